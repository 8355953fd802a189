//! What stands in the way of a plan, or is worth a look in it.

use super::definition::{Code, Example, codes};

codes! {
    PROTECTED = "A0501" "protected object would be destroyed";
    "The plan would delete or replace an object whose own mark protects it. The mark counts also where the spec has no block \
     for the object any more.";
    Example::Story("[bucket.audit] with `protect = true` was applied, and its block is removed.\n");
    "Set `protect = false` and apply, then try again; or let go of the object with `atlas forget ADDRESS`.";

    LOSS = "A0502" "data would be lost";
    "A step would destroy what nobody can make again, and nobody allowed that.";
    Example::Story("A bucket with objects in it is removed from the spec, and `atlas apply` runs.\n");
    "Keep the resource, save its data elsewhere, or allow the loss for this one: `--allow-loss ADDRESS`.";

    NOT_AS_IT_IS = "A0503" "object that can't be taken over as it is";
    "An object that exists is to be adopted, and differs from the spec in what no update can change. To adopt it would be to \
     replace it.";
    Example::Story("atlas adopt queue.orders@us-east-1        # it is a FIFO queue, and the spec says none\n");
    "Write the spec as the object is, adopt it, and then change the spec.";

    FORMER_NAME = "A0504" "former address that does not fit";
    "By its former address the object would have another name than it has, so it would be replaced only for being renamed.";
    Example::Story("[bucket.logs] with `renamed_from = \"bucket.older\"`, and its object was made as `bucket.old`.\n");
    "Write the object's name, `name = \"…\"`, or the address under which it was made.";

    FOREIGN = "A0505" "object that is not Atlas's";
    "An object with the name that the spec asks for is there, and carries no mark of this project and environment. Atlas never \
     changes what it did not make.";
    Example::Story("Somebody made the bucket `shop-logs` by hand, and the spec declares one of that name.\n");
    "Take it over with `atlas adopt ADDRESS`, or give the resource another name.";

    UNSET_ATTRIBUTE = "A0506" "reference to an attribute that is not set";
    "The target of a reference has such an attribute, and neither the spec nor its default gives it a value.";
    Example::Story("tags = { key = \"${bucket.logs.kms_key}\" }        # and bucket.logs says no `kms_key`\n");
    "Set the attribute, or refer to another one.";

    UNKNOWN_SELECTOR = "A0507" "address that is not in the spec";
    "An address on the command line selects nothing: neither the spec nor the plan has it.";
    Example::Story("atlas apply --allow-loss bucket.lgos@us-east-1\n");
    "Write an address that `atlas status` lists.";

    UNREACHABLE = "A0508" "host that does not answer";
    "What lives in this host can't be looked at, so it is unknown: nothing of it is made, changed or deleted, and what depends \
     on it waits. It is a warning.";
    Example::Story("The network to a region is down while `atlas plan` runs.\n");
    "Plan again once it answers.";

    PART_OF_A_PLAN = "A0509" "part of a plan";
    "`--target` or `--exclude` leave changes out. It is a warning.";
    Example::Story("atlas apply --target queue.orders\n");
    "Plan again without them once this is done.";

    BROKEN_PLAN = "A0510" "plan that breaks its own rules";
    "The independent checker found that the plan breaks what every plan has to keep, such as the order of steps. Nothing was \
     done.";
    Example::Story("A fault in Atlas itself.\n");
    "Report it along with the spec.";

    HAD_AND_KEPT = "A0511" "something that an object has which stays";
    "Only one object can have this: a port of a machine, a subnet, a name of an account, an address in a network. An object that \
     the plan leaves alone has it, so the step would fail.";
    Example::Story("[container.web] publishes port 8080, and a container of another project on the same engine has it.\n");
    "Choose another one, or let the object that has it give it up first.";

    WANTED_TWICE = "A0512" "something that two objects want";
    "Only one object can have this, and the plan would give it to two.";
    Example::Story("[network.wide] with `subnet = \"10.7.0.0/16\"` and [network.narrow] with `subnet = \"10.7.1.0/24\"` on one engine.\n");
    "Give each one of its own.";

    NO_ROOM = "A0513" "objects that can't make room for each other";
    "Each of these objects is changed in place and waits for what another one of them has, so none can be the first.";
    Example::Story("[container.a] and [container.b] are there, and exchange their ports in the spec.\n");
    "Change one of them to something that is free and apply, and only then to what it is to have.";

    HOST_DENIES = "A0514" "host that denies access";
    "The credentials at hand may not look at this host, so what it holds is unknown: nothing of it is made, changed or deleted, and \
     what depends on it waits. It is a warning.";
    Example::Story("The token for a region of AWS has expired while `atlas plan` runs.\n");
    "Renew the credentials, or let them read the host, and plan again.";

    HOST_UNSEEN = "A0515" "host that can't be looked at";
    "The host answers, and what it says can't be used, so what it holds is unknown: nothing of it is made, changed or deleted, and \
     what depends on it waits. It is a warning.";
    Example::Story("A cluster's kubeconfig names a certificate that can't be read.\n");
    "Do away with the reason that the detail tells, and plan again.";

    OBJECT_SILENT = "A0516" "object that does not answer";
    "Where this object would be, nobody answers. It is not changed, and what depends on it waits. It is a warning.";
    Example::Story("The container engine is stopped while `atlas plan` runs.\n");
    "Plan again once it answers.";

    OBJECT_DENIES = "A0517" "object that denies access";
    "The credentials at hand may not look at this object. It is not changed, and what depends on it waits. It is a warning.";
    Example::Story("The socket of the container engine belongs to a group that nobody joined.\n");
    "Let the credentials read the object, and plan again.";

    OBJECT_UNSEEN = "A0518" "object that can't be looked at";
    "There is an answer about this object that can't be used. It is not changed, and what depends on it waits. It is a warning.";
    Example::Story("A bucket's policy comes back as text that is no JSON.\n");
    "Do away with the reason that the detail tells, and plan again.";

    UNPROTECTED = "A0519" "protection that would be lost";
    "An object that is protected by its mark is taken over, and its block in the spec does not protect it. It is a warning.";
    Example::Story("atlas adopt bucket.audit@us-east-1        # its mark says `protect`, and the spec does not\n");
    "Write `protect = true` into its block to keep the protection.";

    REFUSED_BY_API = "A0520" "object that would be refused";
    "A trial of what is to be made was refused: by the rules of its kind, by a policy, or by a webhook. Or a secret that it needs is not \
     there. Nothing was changed.";
    Example::Story("[app.shop]\nclusters = [\"dc\"]\nchart = \"charts/shop\"\n");
    "Mend the chart or its values as the message says, set the secret, or ask whoever sets the policy.";

    CONTESTED = "A0521" "field that somebody else applies otherwise";
    "Somebody else declares a field of an object too, with another value: the server says that another field manager applies it. One \
     of the two would undo what the other does, for ever.";
    Example::Story("kubectl apply --server-side --force-conflicts -f web.yaml        # with other replicas than the chart\n");
    "Leave the field to them, with `ignore` or `ignore_managers`, or take it over: `take_over = true`, or pointers to fields, for the object \
     in `objects` of its app.";

    ROLLOUT_CIRCLE = "A0522" "rollout that waits for itself";
    "An app goes from cluster to cluster, and something that it needs on an earlier one needs it on a later one. Neither could begin.";
    Example::Story("[app.web]\nclusters = [\"dc-us\", \"dc-eu\"]\nrollout = { max_clusters = 1 }        # and app.db@dc-us needs app.web@dc-eu\n");
    "Put the clusters in an order in which each needs only those before it, or leave `rollout` out.";

    UNTRIED = "A0523" "object that can't be tried";
    "What an object would become is asked by a dry run, and a webhook that would be asked about it says that it can't be asked without \
     an effect: its `sideEffects` are neither `None` nor `NoneOnDryRun`. What the manifest says is compared with the object as it stands.";
    Example::Story("kubectl get validatingwebhookconfigurations -o yaml | grep sideEffects        # sideEffects: Unknown\n");
    "Have the webhook say `sideEffects: None` or `NoneOnDryRun`, if that is so. The plan holds without it.";

    EMPTIED = "A0524" "app that would lose everything";
    "All objects that an app has would go, and everything that its chart or its manifests give belongs to somebody else. That is hardly \
     meant: values are wrong, or names collide with those of another tool. Nothing was changed.";
    Example::Story("[app.shop]\nclusters = [\"dc\"]\nchart = \"charts/shop\"        # whose values now leave one ConfigMap, which Helm made\n");
    "Mend the values, take over with `atlas adopt` what is meant, or remove the block of the app.";

    LEFT_OUT = "A0525" "what adoption leaves out";
    "An object that is taken over has more than the spec says. That stays as it is, and nobody looks at it from then on. It is a warning.";
    Example::Story("atlas adopt bucket.audit@us-east-1        # it has `cors` and `website`, and the spec has neither\n");
    "Say it in the block, as `atlas adopt --all-in` would write it, to have it looked after; or leave it as it is.";
}
