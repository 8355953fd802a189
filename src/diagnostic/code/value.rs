//! What is wrong with values.

use super::definition::{Code, Example, codes};

codes! {
    MISSING_ATTRIBUTE = "A0201" "missing attribute";
    "A block does not say what its kind can't do without.";
    Example::Spec("[bucket.logs]\nname = \"shop-logs\"\n");
    "Say it. `atlas explain KIND` shows which attributes are required.";

    OUT_OF_RANGE = "A0202" "value out of range";
    "A number or a duration is smaller or larger than its place takes.";
    Example::Spec("[queue.orders]\nregions = [\"us-east-1\"]\nretention = \"30d\"\n");
    "Choose a value between the bounds that the message names.";

    UNKNOWN_WORD = "A0203" "unknown word";
    "This attribute takes one of a few words, and this is none of them.";
    Example::Spec("[bucket.logs]\nregions = [\"us-east-1\"]\nencryption = \"aes\"\n");
    "Write one of the words that the message lists.";

    NOT_A_DURATION = "A0204" "not a duration";
    "A duration is a number and a unit, `s`, `m`, `h` or `d`, as often as needed.";
    Example::Spec("[queue.orders]\nregions = [\"us-east-1\"]\nretention = \"14 days\"\n");
    "Write it as `\"30s\"`, `\"1h30m\"` or `\"14d\"`.";

    BROKEN_RULE = "A0205" "text that breaks its rule";
    "The outside world takes only some texts here, such as the names that S3 allows for buckets. It would refuse this one in \
     the middle of an apply.";
    Example::Spec("[bucket.logs]\nregions = [\"us-east-1\"]\nname = \"Shop-Logs\"\n");
    "Write a text that keeps the rule that the message names.";

    BAD_JSON = "A0206" "JSON that can't be used";
    "A text has to be JSON of a certain shape, such as a policy as IAM writes it, and is not.";
    Example::Spec("[policy.read]\nregions = [\"us-east-1\"]\ndocument = '{\"Version\":\"2012-10-17\"}'\n");
    "Mend what stands at the caret.";

    PLAIN_SECRET = "A0207" "secret that is no reference";
    "The value of a secret never stands in a spec, which is shown, stored and shared.";
    Example::Spec("[container.cache]\nimage = \"redis:8\"\nsecrets = { TOKEN = { env = \"\" } }\n");
    "Write where the value is: `{ env = \"NAME\" }` or `{ file = \"PATH\" }`.";

    RESERVED_KEY = "A0208" "reserved key";
    "This key belongs to somebody else: Atlas writes its ownership mark under it, the provider keeps it for itself, or Atlas \
     sets it and relies on its value. A value from the spec would overwrite that, or would be refused.";
    Example::Spec("[bucket.logs]\nregions = [\"us-east-1\"]\ntags = { \"atlas:protect\" = \"false\" }\n");
    "Choose another key, or the attribute that the message names.";

    BAD_OBJECT_NAME = "A0209" "name that the object can't have";
    "The block says no `name`, and the name that follows from its own is none that the outside world allows.";
    Example::Spec("[bucket.a]\nregions = [\"us-east-1\"]\n");
    "Say another one: `name = \"…\"`.";

    UNKNOWN_ATTRIBUTE = "A0210" "unknown attribute";
    "`ignore` names an attribute that this kind does not have, so nothing would be left to others.";
    Example::Spec("[bucket.logs]\nregions = [\"us-east-1\"]\nignore = [\"tgas\"]\n");
    "Write the path of an attribute as `atlas explain KIND` shows it.";

    IGNORED_NAME = "A0211" "name that can't be left to others";
    "An object is found by its name, so a name can't be ignored.";
    Example::Spec("[bucket.logs]\nregions = [\"us-east-1\"]\nignore = [\"name\"]\n");
    "Remove it from `ignore`.";

    UNREADABLE_CHART = "A0212" "chart that can't be read";
    "The content of a chart is a part of the spec. This folder or archive is not there, is no chart, is larger than charts are, \
     leads out of the folder of the spec, holds what is no file, or depends on a chart that nobody can find.";
    Example::Story("[app.shop]\nclusters = [\"dc\"]\nchart = \"charts/gone\"\n");
    "Name a folder with a `Chart.yaml`, relative to the spec. Links in it may lead to files and folders of the project.";

    UNREADABLE_ENV_FILE = "A0213" "file of variables that can't be read";
    "The content of an `env_file` is a part of the spec. This file is not there, is no file, is larger than such files are, leads \
     out of the folder of the spec, or has a line that says no variable.";
    Example::Story("[container.web]\nimage = \"nginx:1\"\nenv_file = [\"gone.env\"]\n");
    "Name a file below the folder of the spec, with `NAME=VALUE` on each of its lines.";

    CHART_FAULT = "A0214" "chart that can't be rendered";
    "An app is what its chart comes to with the app's values. Here a template fails, a value is missing or does not fit, what \
     comes of it is no object, or a value that nobody knows yet decides what the objects are.";
    Example::Story("[app.shop]\nclusters = [\"dc\"]\nchart = \"charts/shop\"\nvalues = { replicas = \"many\" }\n");
    "Mend the value at the caret, or the chart at the line that the message names. `atlas render ADDRESS` shows what the app \
     comes to.";

    HOOKS_LEFT_OUT = "A0215" "hooks that are not run";
    "A chart may have hooks for moments at which Atlas runs nothing: before and after a deletion or a rollback.";
    Example::Story("[app.shop]\nclusters = [\"dc\"]\nchart = \"charts/shop\"\n");
    "Do by hand what they would do, or use a chart that does without them.";

    NO_SUCH_OBJECT = "A0216" "object that an app does not have";
    "`objects` of an app says what holds for some of its objects, and names one that its chart does not come to.";
    Example::Story("[app.shop]\nclusters = [\"dc\"]\nchart = \"charts/shop\"\nobjects = { \"Deployment/wev\" = { protect = true } }\n");
    "Write the part of the address behind the app's, as a plan shows it: `Deployment/web`, or `Deployment/*` for all of them.";

    CHART_SOURCE = "A0217" "chart whose place is not clear";
    "A chart is a folder below the spec, a name in a `repository`, or `oci://HOST/PATH` in a registry. What is said beside it \
     belongs to another of these, so that one of the two would be dropped without a word.";
    Example::Story("[app.shop]\nclusters = [\"dc\"]\nchart = \"charts/shop\"\nversion = \"1.2.3\"\n");
    "Say `repository` and `version` for a chart in a repository, `version` alone for one in a registry, and neither for a folder.";

    UNLOCKED_CHART = "A0218" "chart that is not locked";
    "What a repository or a registry has may change from one day to the next. So a chart from there, and every chart that one \
     depends on, is pinned by its version and the digest of its content in the file of locked charts beside the spec. This one \
     is not in it.";
    Example::Story("[app.shop]\nclusters = [\"dc\"]\nchart = \"shop\"\nrepository = \"https://charts.example.com\"\n");
    "Run `atlas lock`, and keep `atlas.lock` under version control.";

    UNPULLED_CHART = "A0219" "chart that can't be pulled";
    "A repository or a registry does not answer, does not have the chart, or has other content than what is locked.";
    Example::Story("[app.shop]\nclusters = [\"dc\"]\nchart = \"oci://registry.example.com/shop\"\nversion = \"1.2.3\"\n");
    "See that the URL is right and that this machine gets there; `docker login HOST` keeps credentials. Where content changed that was \
     published before, ask whoever published it; `atlas lock --upgrade` takes what is there now.";

    DOUBLED_KEY = "A0220" "key that stands twice";
    "In a manifest of an app a key stands twice in one map. The last one counts, as it does for Helm and `kubectl`, and the first one is \
     dropped.";
    Example::Story("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: b}\ndata: {a: c}\n");
    "Take one of the two out of the template or the manifest.";

    DELIVERY = "A0221" "setting that does not go with who delivers";
    "An app that an Argo CD delivers is not Atlas's to apply. What only steers how Atlas applies it, or what the Argo CD can't find, would \
     be dropped without a word.";
    Example::Story("[app.shop]\nclusters = [\"dc\"]\nchart = \"charts/shop\"\ndeliver = \"argocd\"\n");
    "Remove the setting, or let Atlas deliver. For a chart below the spec say the Git repository that the spec is in: `deliver = { argocd = \
     { repository = \"https://git.example.com/shop.git\", revision = \"main\" } }`.";
}
