//! Pipelines: commands, the arguments of functions, and variables.

use gotmpl::parse::{CommandNode, Expr, Number, PipeNode, Pos};

use super::arguments::{ArgumentType, Arguments};
use super::burial::bury;
use super::fields;
use super::state::{FunctionCall, TemplateFrame, TemplateFunction, TemplateRun, UnknownPolicy};
use super::unknown;
use crate::render::fault::RenderFault;
use crate::render::value::ChartValue;

/// What a command got from the command before it: nothing where it is the first.
type Piped = Option<Option<ChartValue>>;

/// The value of a pipeline. None is what Go calls an invalid value, which is what `nil` becomes in a pipeline.
pub fn evaluate(
    run: &TemplateRun<'_>,
    frame: &mut TemplateFrame<'_>,
    dot: Option<&ChartValue>,
    pipe: &PipeNode,
) -> Result<Option<ChartValue>, RenderFault> {
    stacker::maybe_grow(128 << 10, 2 << 20, || {
        let mut piped: Piped = None;
        for it in &pipe.commands {
            run.spend(1)?;
            let value = command(run, frame, dot, it, piped).map_err(|fault| frame.placed(fault, it.pos))?;
            piped = Some(value.filter(|value| !matches!(value, ChartValue::Nil)));
        }
        let value = piped.flatten();
        for name in &pipe.decl {
            if pipe.is_assign {
                assign(frame, name, value.clone());
            } else {
                frame.variables.push((name.clone(), value.clone()));
            }
        }
        Ok(value)
    })
}

/// Gives the innermost variable of the name another value.
pub fn assign(frame: &mut TemplateFrame<'_>, name: &str, value: Option<ChartValue>) {
    if let Some(slot) = frame.variables.iter_mut().rev().find(|slot| slot.0 == name) {
        bury(std::mem::replace(&mut slot.1, value).unwrap_or_default());
    }
}

/// The value of an expression that is no literal where its type does not matter.
fn operand(
    run: &TemplateRun<'_>,
    frame: &mut TemplateFrame<'_>,
    dot: Option<&ChartValue>,
    it: &Expr,
) -> Result<Option<ChartValue>, RenderFault> {
    let one = std::slice::from_ref(it);
    match it {
        Expr::Dot(_) => Ok(dot.cloned()),
        Expr::Pipe(_, pipe) => evaluate(run, frame, dot, pipe),
        Expr::Nil(_) => Ok(None),
        Expr::Field(..) | Expr::Variable(..) | Expr::Chain(..) | Expr::Identifier(..) => {
            head(run, frame, dot, one, None)
        }
        _ => literal(it, ArgumentType::Any).map(Some),
    }
}

fn command(
    run: &TemplateRun<'_>,
    frame: &mut TemplateFrame<'_>,
    dot: Option<&ChartValue>,
    it: &CommandNode,
    piped: Piped,
) -> Result<Option<ChartValue>, RenderFault> {
    let Some(first) = it.args.first() else { return Err(RenderFault::new("a command is empty")) };
    match first {
        Expr::Field(..) | Expr::Variable(..) | Expr::Chain(..) | Expr::Identifier(..) => {
            head(run, frame, dot, &it.args, piped)
        }
        Expr::Nil(_) => Err(RenderFault::new("nil is not a command")),
        _ if it.args.len() > 1 || piped.is_some() => Err(RenderFault::new("can't give argument to non-function")),
        other => operand(run, frame, dot, other),
    }
}

/// The value of a field, a variable or a function with its arguments.
fn head(
    run: &TemplateRun<'_>,
    frame: &mut TemplateFrame<'_>,
    dot: Option<&ChartValue>,
    args: &[Expr],
    piped: Piped,
) -> Result<Option<ChartValue>, RenderFault> {
    let Some((first, rest)) = args.split_first() else { return Ok(None) };
    let (receiver, names) = match first {
        Expr::Identifier(pos, name) => return function(run, frame, dot, name, rest, piped, *pos).map(Some),
        Expr::Field(_, names) => (dot.cloned(), names),
        Expr::Variable(_, name, names) => {
            let value = frame.variables.iter().rev().find(|slot| slot.0 == *name);
            let value = value.ok_or_else(|| RenderFault::new(format!("undefined variable: {name}")))?.1.clone();
            if names.is_empty() {
                if !rest.is_empty() || piped.is_some() {
                    return Err(RenderFault::new(format!("can't give argument to non-function {name}")));
                }
                return Ok(value);
            }
            (value, names)
        }
        Expr::Chain(_, inner, names) => {
            if matches!(**inner, Expr::Nil(_)) {
                return Err(RenderFault::new("indirection through explicit nil"));
            }
            (operand(run, frame, dot, inner)?, names)
        }
        _ => return Ok(None),
    };
    let Some((last, before)) = names.split_last() else { return Ok(receiver) };
    let mut value = receiver;
    for name in before {
        value = fields::field(run, value.as_ref(), name, &[], false)?;
    }
    if rest.is_empty() && piped.is_none() {
        return fields::field(run, value.as_ref(), last, &[], false);
    }
    let mut given = Vec::with_capacity(rest.len() + 1);
    for it in rest {
        given.push(argument(run, frame, dot, it, ArgumentType::Any)?);
    }
    if let Some(piped) = piped {
        given.push(piped.unwrap_or_default());
    }
    fields::field(run, value.as_ref(), last, &given, true)
}

fn function(
    run: &TemplateRun<'_>,
    frame: &mut TemplateFrame<'_>,
    dot: Option<&ChartValue>,
    name: &str,
    args: &[Expr],
    piped: Piped,
    pos: Pos,
) -> Result<ChartValue, RenderFault> {
    let function =
        *run.functions.get(name).ok_or_else(|| RenderFault::new(format!("function \"{name}\" not defined")))?;
    function.check_count(args.len() + usize::from(piped.is_some()))?;
    if matches!(name, "and" | "or") {
        return short_circuit(run, frame, dot, name, args, piped);
    }
    let mut all = Vec::with_capacity(args.len() + 1);
    for it in args {
        let wanted = function.parameter(all.len());
        all.push(argument(run, frame, dot, it, wanted).map_err(|fault| frame.placed(fault, pos))?);
    }
    if let Some(piped) = piped {
        all.push(function.parameter(all.len()).accept(piped)?);
    }
    call(run, frame, function, all)
}

fn call(
    run: &TemplateRun<'_>,
    frame: &TemplateFrame<'_>,
    function: &'static TemplateFunction,
    all: Vec<ChartValue>,
) -> Result<ChartValue, RenderFault> {
    let found = match function.policy {
        UnknownPolicy::Moves => None,
        UnknownPolicy::Deep => all.iter().find_map(unknown::anywhere),
        UnknownPolicy::Computes | UnknownPolicy::Decides => all.iter().find_map(unknown::in_value),
    };
    let call = FunctionCall { run, scope: frame.scope, name: function.name, args: Arguments { all } };
    match found {
        Some(found) if function.policy == UnknownPolicy::Decides => return Err(call.decided(&found)),
        Some(found) => return Ok(call.unknown(&found)),
        None => {}
    }
    let answer = (function.run)(&call).map_err(|mut fault| {
        if fault.file.is_none() && !fault.own && !fault.unknown {
            fault.what = format!("error calling {}: {}", function.name, fault.what);
        }
        fault
    });
    call.args.all.into_iter().for_each(bury);
    let value = answer?;
    run.charge(&value)?;
    Ok(value)
}

/// `and` and `or` stop at the argument that decides.
fn short_circuit(
    run: &TemplateRun<'_>,
    frame: &mut TemplateFrame<'_>,
    dot: Option<&ChartValue>,
    name: &str,
    args: &[Expr],
    piped: Piped,
) -> Result<ChartValue, RenderFault> {
    let mut value = ChartValue::Nil;
    for (at, it) in args.iter().enumerate() {
        value = argument(run, frame, dot, it, ArgumentType::Reflect)?;
        // What the last argument is does not matter here: it is the result, whoever tests it.
        if at + 1 == args.len() && piped.is_none() {
            return Ok(value);
        }
        if run.truth(Some(&value), name)? == (name == "or") {
            return Ok(value);
        }
    }
    Ok(piped.map_or(value, Option::unwrap_or_default))
}

/// The value of an expression as an argument of the type.
fn argument(
    run: &TemplateRun<'_>,
    frame: &mut TemplateFrame<'_>,
    dot: Option<&ChartValue>,
    it: &Expr,
    wanted: ArgumentType,
) -> Result<ChartValue, RenderFault> {
    run.spend(1)?;
    match it {
        Expr::Nil(_) if wanted.can_be_nil() => Ok(ChartValue::Nil),
        Expr::Nil(_) => Err(RenderFault::new(format!("cannot assign nil to {}", wanted.name()))),
        Expr::Bool(..) | Expr::Number(..) | Expr::String(..) => literal(it, wanted),
        other => wanted.accept(operand(run, frame, dot, other)?),
    }
}

/// A literal as a value of the type.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
fn literal(it: &Expr, wanted: ArgumentType) -> Result<ChartValue, RenderFault> {
    let whole = |number: f64| number.fract() == 0.0 && number.abs() < 9.0e18;
    match (wanted, it) {
        (ArgumentType::Any | ArgumentType::Reflect | ArgumentType::Bool, Expr::Bool(_, it)) => {
            Ok(ChartValue::Bool(*it))
        }
        (ArgumentType::Any | ArgumentType::Reflect | ArgumentType::Text, Expr::String(_, it)) => {
            Ok(ChartValue::text(it.as_ref()))
        }
        (ArgumentType::Any | ArgumentType::Reflect | ArgumentType::Int, Expr::Number(_, Number::Int(it))) => {
            Ok(ChartValue::Int(*it))
        }
        (ArgumentType::Any | ArgumentType::Reflect | ArgumentType::Float, Expr::Number(_, Number::Float(it))) => {
            Ok(ChartValue::Float(*it))
        }
        (ArgumentType::Float, Expr::Number(_, Number::Int(it))) => Ok(ChartValue::Float(*it as f64)),
        (ArgumentType::Int, Expr::Number(_, Number::Float(it))) if whole(*it) => Ok(ChartValue::Int(*it as i64)),
        (ArgumentType::Uint32, Expr::Number(_, Number::Int(it))) if u32::try_from(*it).is_ok() => {
            Ok(ChartValue::Int(*it))
        }
        (_, Expr::Number(_, Number::Uint(it))) => Err(RenderFault::new(format!("{it} overflows int"))),
        (ArgumentType::Int | ArgumentType::Uint32, _) => Err(RenderFault::new("expected integer")),
        (ArgumentType::Float, _) => Err(RenderFault::new("expected float")),
        (ArgumentType::Bool, _) => Err(RenderFault::new("expected boolean")),
        (ArgumentType::Text, _) => Err(RenderFault::new("expected string")),
        _ => Err(RenderFault::new(format!("can't handle a literal for arg of type {}", wanted.name()))),
    }
}
