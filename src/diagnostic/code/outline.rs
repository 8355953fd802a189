//! What is wrong with the outline of a spec: its text, its project, environments, variables and blocks.

use super::definition::{Code, Example, codes};

codes! {
    NOT_TOML = "A0101" "the spec is not TOML";
    "A spec is one TOML file, and this text is not TOML. Nothing else was looked at.";
    Example::Spec("[project]\nname = \"shop\"\n\n[region.us-east-1\n");
    "Mend what stands at the caret. https://toml.io shows how TOML is written.";

    UNKNOWN_KEY = "A0102" "unknown key";
    "A key means nothing where it stands. Atlas never passes over a key that it does not know: it would be a wish that \
     nobody fulfils.";
    Example::Spec("[queue.orders]\nregions = [\"us-east-1\"]\nvisibilty_timeout = \"30s\"\n");
    "Write the key as `atlas explain KIND` shows it, or remove it.";

    WRONG_TYPE = "A0103" "wrong type";
    "A value is of another type than its place takes: a text where a list is expected, say.";
    Example::Spec("[bucket.logs]\nregions = [\"us-east-1\"]\nversioning = \"yes\"\n");
    "Write a value of the type that `atlas explain KIND` tells.";

    NO_PROJECT = "A0104" "no project";
    "Every object that Atlas makes carries the name of its project, so a spec has to say it.";
    Example::Spec("");
    "Write `[project]` with `name = \"…\"` at the top.";

    BAD_PROJECT = "A0105" "bad project";
    "The name of a project or of an environment is written on every object, so it keeps to what all providers allow: 1 to 40 \
     lower-case letters, digits and `-`.";
    Example::Spec("[project]\nname = \"The Shop\"\n");
    "Write such a name.";

    BAD_RECORDS = "A0106" "records that are nowhere";
    "`records` says where a team shares its journal, history and lock, and Atlas can't tell where that is.";
    Example::Spec("[project]\nname = \"shop\"\nrecords = \"team-records/shop\"\n");
    "Write `records = \"s3://bucket/prefix\"`, or leave it out to keep them beside the spec.";

    UNKNOWN_KIND = "A0107" "unknown kind";
    "There is no kind of resource with this name.";
    Example::Spec("[queue.orders]\nregions = [\"us-east-1\"]\ndepends_on = [\"bukket.logs\"]\n");
    "Write one of the kinds that `atlas explain` lists.";

    BAD_RESOURCE_NAME = "A0108" "bad resource name";
    "The name of a resource is a part of its address, which needs no quotes in a shell: 1 to 63 lower-case letters, digits, `-` \
     and `_`.";
    Example::Spec("[bucket.\"Audit Logs\"]\nregions = [\"us-east-1\"]\n");
    "Give the resource such a name. The object's own name may differ: `name = \"…\"`.";

    UNKNOWN_ENVIRONMENT = "A0109" "environment that is not declared";
    "The environment of this run is none of those that the spec declares. With another name than was meant, Atlas would make \
     everything once more.";
    Example::Spec("[project]\nname = \"shop\"\nenvironment = \"stagign\"\n\n[environment.staging]\nworld = \"sandbox\"\n");
    "Name one that the spec declares, with `-e` or in `[project]`, or declare this one.";

    FIXED_KEY = "A0110" "key that an environment can't change";
    "An environment changes variables and resources. The project is the same in all of them, and environments have no \
     environments.";
    Example::Spec("[environment.staging.project]\nname = \"shop-staging\"\n");
    "Say it once for all environments, or make it a variable.";

    UNKNOWN_WORLD = "A0111" "unknown world";
    "An environment is either in the embedded world or in the real one.";
    Example::Spec("[project]\nname = \"shop\"\nenvironment = \"try\"\n\n[environment.try]\nworld = \"sandbx\"\n");
    "Write `world = \"sandbox\"` or `world = \"real\"`.";

    OVERLAY_OF_NOTHING = "A0112" "overlay of nothing";
    "An environment changes a block or a variable that the spec does not have. Most often its name is misspelt: then the \
     change would not happen, and something new would be made.";
    Example::Spec("[environment.staging.region.us-esat-1]\naws = { profile = \"staging\" }\n");
    "Write the name as the spec has it. A block that only this environment has says so: `new = true`.";

    NOT_NEW = "A0113" "new block that is there already";
    "A block of an environment says `new = true`, and the spec has a block of that name outside of it. Both would become one.";
    Example::Spec("[environment.staging.region.us-east-1]\nnew = true\naws = {}\n");
    "Remove `new` where the block changes the other one, or give it a name of its own.";

    VARIABLE_WITHOUT_VALUE = "A0114" "variable without a value";
    "A variable has no default, and this run gives it no value.";
    Example::Spec("[var.image_tag]\n");
    "Give it with `--var NAME=…` or with the environment variable `ATLAS_VAR_NAME`, or write a `default`.";

    UNKNOWN_VARIABLE = "A0115" "unknown variable";
    "This run gives a value to a variable that the spec does not declare, so it would change nothing. From an environment \
     variable, which may be meant for another spec, it is a warning.";
    Example::Story("atlas plan --var imge_tag=0.2.0\n");
    "Write the name as the spec declares it, or declare it: `[var.NAME]`.";

    VARIABLE_OF_WRONG_TYPE = "A0116" "variable of the wrong type";
    "What is given to a variable is read as the type of its default, and can't be.";
    Example::Story("atlas plan --var agents=many        # [var.agents] has `default = 2`\n");
    "Give a value of the same type as the default.";

    REFERENCE_IN_VARIABLE = "A0117" "reference in a variable";
    "A variable is known before anything else is, so its default can't refer to anything.";
    Example::Spec("[var.bucket]\ndefault = \"${region}-logs\"\n");
    "Use the reference where the value is needed.";

    STANDS_NOWHERE = "A0118" "resource that stands nowhere";
    "The list of places is empty, so the block makes nothing. It is a warning.";
    Example::Spec("[bucket.logs]\nregions = []\n");
    "Name a place, or remove the block.";

    TWO_WITH_ONE_OBJECT = "A0119" "two resources with one object";
    "Two resources would be the same object in the world: they have one name in one place. Each would undo what the other does.";
    Example::Spec(
        "[bucket.logs]\nregions = [\"us-east-1\"]\nname = \"shop-logs\"\n\n[bucket.audit]\nregions = [\"us-east-1\"]\nname = \"shop-logs\"\n"
    );
    "Give each a `name` of its own; `${region}` tells places apart.";

    NO_SUCH_CLUSTER = "A0120" "labels that no cluster has";
    "An app or a namespace chooses its clusters by their labels, and no cluster of the spec has all of these.";
    Example::Spec(
        "[cluster.dc]\nregion = \"us-east-1\"\nlabels = { tier = \"core\" }\n\n[namespace.shop]\nclusters = { labels = { tier = \"egde\" } }\n"
    );
    "Write labels that a cluster has, or give a cluster these: `labels` in its block.";
}
