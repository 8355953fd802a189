//! What Go refuses when it reads a template, before anything runs: names that do not exist and commands that cannot be run.

use gotmpl::parse::{BranchNode, CommandNode, Expr, ListNode, Node, PipeNode, SmolStr};

use super::functions;
use crate::render::fault::RenderFault;

/// Checks one template.
pub fn template(list: &ListNode) -> Result<(), RenderFault> {
    let mut variables = vec![SmolStr::new("$")];
    nodes(list, &mut variables)
}

fn nodes(list: &ListNode, variables: &mut Vec<SmolStr>) -> Result<(), RenderFault> {
    for node in &list.nodes {
        match node {
            Node::List(list) => nodes(list, variables)?,
            Node::Action(action) => pipe(&action.pipe, variables)?,
            Node::If(it) | Node::Range(it) | Node::With(it) => branch(it, variables)?,
            Node::Template(call) => {
                if let Some(argument) = &call.pipe {
                    pipe(argument, variables)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn branch(it: &BranchNode, variables: &mut Vec<SmolStr>) -> Result<(), RenderFault> {
    let depth = variables.len();
    pipe(&it.pipe, variables)?;
    nodes(&it.body, variables)?;
    if let Some(other) = &it.else_body {
        nodes(other, variables)?;
    }
    variables.truncate(depth);
    Ok(())
}

fn pipe(it: &PipeNode, variables: &mut Vec<SmolStr>) -> Result<(), RenderFault> {
    let fault = |what: String| {
        let mut fault = RenderFault::new(format!("parse error: {what}"));
        fault.line = Some(it.pos.line);
        fault
    };
    for (at, command) in it.commands.iter().enumerate() {
        if at > 0 && is_literal(command) {
            return Err(fault(format!("non executable command in pipeline stage {}", at + 1)));
        }
        for argument in &command.args {
            expression(argument, variables, &fault)?;
        }
    }
    if it.is_assign {
        for name in &it.decl {
            defined(name, variables, &fault)?;
        }
    } else {
        variables.extend(it.decl.iter().cloned());
    }
    Ok(())
}

fn expression(
    it: &Expr,
    variables: &mut Vec<SmolStr>,
    fault: &dyn Fn(String) -> RenderFault,
) -> Result<(), RenderFault> {
    match it {
        Expr::Variable(_, name, _) => defined(name, variables, fault),
        Expr::Identifier(_, name) if !functions::exists(name) => Err(fault(format!("function \"{name}\" not defined"))),
        Expr::Pipe(_, inner) => pipe(inner, variables),
        Expr::Chain(_, inner, _) => expression(inner, variables, fault),
        _ => Ok(()),
    }
}

fn defined(name: &SmolStr, variables: &[SmolStr], fault: &dyn Fn(String) -> RenderFault) -> Result<(), RenderFault> {
    if variables.contains(name) { Ok(()) } else { Err(fault(format!("undefined variable \"{name}\""))) }
}

fn is_literal(command: &CommandNode) -> bool {
    matches!(
        command.args.first(),
        Some(Expr::Bool(..) | Expr::Dot(_) | Expr::Nil(_) | Expr::Number(..) | Expr::String(..))
    )
}
