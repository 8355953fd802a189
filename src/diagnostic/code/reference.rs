//! What is wrong with references, addresses and names of other resources.

use super::definition::{Code, Example, codes};

codes! {
    REFERENCE_TO_NOTHING = "A0301" "reference to nothing";
    "A name or an address leads to nothing that the spec declares.";
    Example::Spec("[bucket.logs]\nregions = [\"us-esat-1\"]\n");
    "Write the name as it is declared, or declare it.";

    BAD_ADDRESS = "A0302" "bad address";
    "The text is not an address. An address is `kind.name` or `kind.name@place`.";
    Example::Spec("[queue.orders]\nregions = [\"us-east-1\"]\ndepends_on = [\"logs\"]\n");
    "Write it like `queue.orders@us-east-1`.";

    NO_SUCH_PLACE = "A0303" "place where the target does not exist";
    "The target is declared, and not at the place that the reference means: the one that it names, or its own.";
    Example::Spec(
        "[bucket.logs]\nregions = [\"us-east-1\"]\n\n[queue.orders]\nregions = [\"eu-central-1\"]\ntags = { to = \"${bucket.logs.arn}\" }\n"
    );
    "Name a place where the target stands, `${kind.name@place.attribute}`, or add the place to the target.";

    SEVERAL_PLACES = "A0304" "reference to several places";
    "The target stands in several places, and the resource that refers to it in none of them, so it is open which is meant.";
    Example::Spec(
        "[bucket.logs]\nregions = [\"us-east-1\", \"eu-central-1\"]\n\n[container.shipper]\nimage = \"shipper:1\"\nenvironment = { TO = \"${bucket.logs.arn}\" }\n"
    );
    "Name a place: `${kind.name@place.attribute}`.";

    UNKNOWN_OUTPUT = "A0305" "reference to an unknown attribute";
    "The target is declared, and its kind has no such attribute or output. Sensitive attributes tell nothing.";
    Example::Spec(
        "[bucket.logs]\nregions = [\"us-east-1\"]\n\n[queue.orders]\nregions = [\"us-east-1\"]\ntags = { to = \"${bucket.logs.urn}\" }\n"
    );
    "Name an attribute or an output that `atlas explain KIND` shows.";

    WRONG_KIND = "A0306" "reference to the wrong kind";
    "The address leads to a resource of a kind that has no meaning here.";
    Example::Spec(
        "[bucket.logs]\nregions = [\"us-east-1\"]\n\n[queue.orders]\nregions = [\"us-east-1\"]\ndead_letter = { queue = \"bucket.logs\" }\n"
    );
    "Name a resource of the kind that the message asks for.";

    CANT_WAIT = "A0307" "reference that can't stand here";
    "The value has to be known before anything is made, and what it refers to is known only afterwards.";
    Example::Spec(
        "[bucket.logs]\nregions = [\"us-east-1\"]\n\n[queue.orders]\nregions = [\"us-east-1\"]\nname = \"${bucket.logs.arn}\"\n"
    );
    "Use a variable, or write the value itself.";

    UNCLOSED_REFERENCE = "A0308" "reference without an end";
    "A `${` is never closed.";
    Example::Spec("[bucket.logs]\nregions = [\"us-east-1\"]\nname = \"${region-logs\"\n");
    "Close it with `}`, or write `$${` for the characters themselves.";

    BAD_FORMER_ADDRESS = "A0309" "bad former address";
    "`renamed_from` names the address that this resource had before, and this one it can't have had.";
    Example::Spec("[bucket.logs]\nregions = [\"us-east-1\"]\nrenamed_from = \"queue.logs\"\n");
    "Write the address that it had before: the same kind, another name, and the place that it stands at or none.";

    CYCLE = "A0310" "resources that need each other";
    "Each of these resources has to be made before the next one, and the last one before the first.";
    Example::Story(
        "[queue.a]\nregions = [\"us-east-1\"]\ndepends_on = [\"queue.b\"]\n\n[queue.b]\nregions = [\"us-east-1\"]\ndepends_on = [\"queue.a\"]\n"
    );
    "Remove one of the references or `depends_on` entries of the circle.";
}
