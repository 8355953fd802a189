//! What the checks of the kinds find: rules about more than one attribute, or more than one resource.

use super::definition::{Code, Example, codes};

codes! {
    PORT_TAKEN = "A0401" "port taken twice";
    "Two resources on one container engine would publish the same port of its machine, which only one can have.";
    Example::Spec(
        "[container.a]\nimage = \"redis:8\"\nports = [\"8080:80\"]\n\n[container.b]\nimage = \"redis:8\"\nports = [\"8080:81\"]\n"
    );
    "Choose another port of the machine, or another engine.";

    REGION_TWO_THINGS = "A0402" "region is two things at once";
    "A region is either one of AWS, or of what speaks like it, or a LocalStack container that Atlas runs.";
    Example::Spec("[region.us-west-2]\naws = {}\nlocalstack = {}\n");
    "Keep `aws` or `localstack`, not both.";

    CLUSTER_TWO_THINGS = "A0403" "cluster is two things at once";
    "A cluster is either made of containers, or one that exists already and is reached in one way.";
    Example::Spec("[cluster.dc]\nregion = \"us-east-1\"\nk3d = {}\neks = {}\n");
    "Keep one of `k3d`, `kubeconfig` and `eks`.";

    KEY_WITHOUT_ENCRYPTION = "A0404" "key without its encryption";
    "A KMS key has no effect on an object that is encrypted otherwise.";
    Example::Spec("[queue.orders]\nregions = [\"us-east-1\"]\nkms_key = \"alias/shop\"\n");
    "Set `encryption = \"kms\"`, or remove `kms_key`.";

    REPLICATION_WITHOUT_VERSIONS = "A0405" "replication without versions";
    "S3 replicates versions of objects, and a bucket without versioning keeps none.";
    Example::Spec(
        "[bucket.logs]\nregions = [\"us-east-1\"]\nreplication = { to = \"bucket.copies@eu-central-1\" }\n\n[bucket.copies]\nregions = [\"eu-central-1\"]\nversioning = true\n"
    );
    "Set `versioning = true` on both buckets.";

    REPLICATION_WITHOUT_ROLE = "A0406" "replication without a role";
    "Atlas makes the role that S3 takes on to copy, where it can tell which rights it needs. Here it can't.";
    Example::Spec(
        "[bucket.logs]\nregions = [\"us-east-1\"]\nversioning = true\nencryption = \"kms\"\nreplication = { to = \"bucket.copies@eu-central-1\" }\n\n[bucket.copies]\nregions = [\"eu-central-1\"]\nversioning = true\n"
    );
    "Declare a role that S3 may take on, and name it: `role = \"role.NAME\"`.";

    LOG_IN_ANOTHER_REGION = "A0407" "access log in another region";
    "S3 writes access logs within one region only.";
    Example::Spec(
        "[bucket.logs]\nregions = [\"us-east-1\"]\nlogging = { to = \"bucket.access@eu-central-1\" }\n\n[bucket.access]\nregions = [\"eu-central-1\"]\n"
    );
    "Name a bucket of the same region.";

    PART_OF_A_DAY = "A0408" "part of a day";
    "S3 counts the age of objects in whole days.";
    Example::Spec("[bucket.logs]\nregions = [\"us-east-1\"]\nlifecycle = [{ id = \"old\", expire_after = \"36h\" }]\n");
    "Write whole days, such as `\"30d\"`.";

    IDLE_RULE = "A0409" "lifecycle rule that does nothing";
    "S3 refuses a lifecycle rule without any action.";
    Example::Spec("[bucket.logs]\nregions = [\"us-east-1\"]\nlifecycle = [{ id = \"old\" }]\n");
    "Say `expire_after`, `expire_noncurrent_after`, `abort_uploads_after` or `transitions`.";

    FIFO_WITHOUT_ENDING = "A0410" "FIFO queue without its ending";
    "SQS takes a FIFO queue only under a name that ends with `.fifo`.";
    Example::Spec("[queue.orders]\nregions = [\"us-east-1\"]\nfifo = true\n");
    "Set `name = \"….fifo\"`.";

    FIFO_NAME = "A0411" "FIFO name on a standard queue";
    "A name that ends with `.fifo` belongs to a FIFO queue.";
    Example::Spec("[queue.orders]\nregions = [\"us-east-1\"]\nname = \"orders.fifo\"\n");
    "Set `fifo = true`, or choose another name.";

    DEAD_LETTER_OF_ITSELF = "A0412" "dead-letter queue of itself";
    "A queue can't be its own dead-letter queue.";
    Example::Spec("[queue.orders]\nregions = [\"us-east-1\"]\ndead_letter = { queue = \"queue.orders\" }\n");
    "Declare a second queue for what could not be handled.";

    DEAD_LETTER_TYPE = "A0413" "dead-letter queue of the other type";
    "SQS moves messages of a FIFO queue into a FIFO queue only, and those of a standard queue into a standard one.";
    Example::Spec(
        "[queue.orders]\nregions = [\"us-east-1\"]\ndead_letter = { queue = \"queue.dead\" }\n\n[queue.dead]\nregions = [\"us-east-1\"]\nfifo = true\nname = \"dead.fifo\"\n"
    );
    "Give the dead-letter queue the same `fifo`.";

    DEAD_LETTER_REGION = "A0414" "dead-letter queue in another region";
    "SQS moves messages within one region only.";
    Example::Spec(
        "[queue.orders]\nregions = [\"us-east-1\"]\ndead_letter = { queue = \"queue.dead@eu-central-1\" }\n\n[queue.dead]\nregions = [\"eu-central-1\"]\n"
    );
    "Name a queue of the same region.";

    GRANTS_EVERYTHING = "A0415" "policy grants everything";
    "A statement allows every action on every resource. It is a warning.";
    Example::Spec("[policy.all]\nregions = [\"us-east-1\"]\nallow = [{ actions = [\"*\"], resources = [\"*\"] }]\n");
    "Name the actions and the ARNs that the workload needs.";

    TRUST = "A0416" "role without one trust policy";
    "A role needs exactly one of `trust` and `trust_policy`: who may take it on.";
    Example::Spec("[role.shop]\nregions = [\"us-east-1\"]\n");
    "Say it: `trust = { service = \"ec2.amazonaws.com\" }`.";

    POLICY_CONTENT = "A0417" "policy without one content";
    "A policy has either statements (`allow`, `deny`) or a `document`.";
    Example::Spec("[policy.read]\nregions = [\"us-east-1\"]\n");
    "Write `[[policy.NAME.allow]]` with `actions` and `resources`.";

    GATEWAY_WITHOUT_SUBNET = "A0418" "gateway without a subnet";
    "An engine takes a gateway only along with the subnet that it is in.";
    Example::Spec("[network.shop]\ngateway = \"10.77.0.1\"\n");
    "Set `subnet` as well.";

    HEALTH_OF_IMAGE = "A0419" "health check that only the image can bring";
    "The container waits to be healthy, and the spec does not say how that is found out. The image may. It is a warning.";
    Example::Spec("[container.cache]\nimage = \"redis:8\"\nwait = \"healthy\"\n");
    "Set `health`, unless the image has a health check of its own.";

    UNDECLARED_NAMESPACE = "A0420" "namespace that is not declared";
    "An app runs in a namespace of its cluster, and no such one is declared there.";
    Example::Spec(
        "[cluster.dc]\nregion = \"us-east-1\"\n\n[app.shop]\nclusters = [\"dc\"]\nchart = \"charts/shop\"\nnamespace = \"shop\"\n"
    );
    "Declare `[namespace.NAME]` on the same clusters.";

    TOO_FEW_REGIONS = "A0421" "too few regions to survive the loss of one";
    "A database that survives the loss of a region needs a majority without it, so three regions at least.";
    Example::Spec("[database.shop]\nregions = [\"us-east-1\", \"eu-central-1\"]\nsurvive = \"region\"\n");
    "Add a region, which needs no application, or use `survive = \"zone\"`.";

    PRIMARY_REGION = "A0422" "primary region that is not among the regions";
    "The primary region of a database is one of its regions.";
    Example::Spec("[database.shop]\nregions = [\"us-east-1\"]\nprimary_region = \"eu-central-1\"\n");
    "Choose one of them, or add it to `regions`.";

    ENGINE_WITHOUT_REGIONS = "A0423" "engine that knows no regions";
    "PostgreSQL keeps a database in one place.";
    Example::Spec("[database.shop]\nengine = \"postgresql\"\nregions = [\"us-east-1\", \"eu-central-1\"]\n");
    "Use `engine = \"cockroachdb\"`, or one region.";

    COLUMN_TWICE = "A0424" "column declared twice";
    "Two columns of a table have one name.";
    Example::Spec(
        "[database.shop]\nregions = [\"us-east-1\"]\n\n[database.shop.table.orders]\ncolumns = [{ name = \"id\", type = \"UUID\" }, { name = \"id\", type = \"INT8\" }]\nprimary_key = [\"id\"]\n"
    );
    "Remove one of them, or rename it.";

    UNKNOWN_COLUMN = "A0425" "column that does not exist";
    "A key, an index or the region column names a column that the table does not have.";
    Example::Spec(
        "[database.shop]\nregions = [\"us-east-1\"]\n\n[database.shop.table.orders]\ncolumns = [{ name = \"id\", type = \"UUID\" }]\nprimary_key = [\"di\"]\n"
    );
    "Name a column of the table, or add it.";

    UNKNOWN_LOCALITY = "A0426" "locality that the engine does not know";
    "PostgreSQL keeps all tables in one place.";
    Example::Spec(
        "[database.shop]\nengine = \"postgresql\"\nregions = [\"us-east-1\"]\n\n[database.shop.table.orders]\ncolumns = [{ name = \"id\", type = \"UUID\" }]\nprimary_key = [\"id\"]\nlocality = \"global\"\n"
    );
    "Remove `locality`, or use `engine = \"cockroachdb\"` for the database.";

    COLUMN_WITHOUT_LOCALITY = "A0427" "region column without its locality";
    "`region_column` has no effect unless rows live by region.";
    Example::Spec(
        "[database.shop]\nregions = [\"us-east-1\"]\n\n[database.shop.table.orders]\ncolumns = [{ name = \"id\", type = \"UUID\" }]\nprimary_key = [\"id\"]\nregion_column = \"id\"\n"
    );
    "Set `locality = \"regional by row\"`, or remove `region_column`.";

    CHECK_QUESTION = "A0428" "check without one question";
    "A check asks either whether a resource is as the spec says, or whether a URL answers.";
    Example::Spec("[check.shop]\ninterval = \"5s\"\n");
    "Write `target = \"ADDRESS\"` or `http = \"http://HOST:PORT/PATH\"`.";

    DRILL_FAULT = "A0429" "drill without one fault";
    "A drill injects exactly one fault, so that what is measured has one cause.";
    Example::Spec("[drill.outage]\nfault = {}\nrto = \"60s\"\n");
    "Write `fault = { stop = \"ADDRESS\" }` or `fault = { delete = \"ADDRESS\" }`.";

    SAID_TWICE = "A0430" "variable said twice";
    "A container has an environment variable once, and both `environment` and `secrets` give it a value. One of them would be \
     dropped without a word.";
    Example::Spec(
        "[container.cache]\nimage = \"redis:8\"\nenvironment = { TOKEN = \"none\" }\nsecrets = { TOKEN = { env = \"SHOP_TOKEN\" } }\n"
    );
    "Keep one of them.";

    SAID_IN_TWO_WAYS = "A0431" "one thing said in two ways";
    "Two attributes say the same thing, each in a form of its own. Only one of them would count, and the other would be dropped \
     without a word.";
    Example::Spec(
        "[role.shop]\nregions = [\"us-east-1\"]\ntrust = { service = \"ec2.amazonaws.com\" }\npolicy = '{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::shop/*\"}]}'\ndeny = [{ actions = [\"s3:DeleteObject\"], resources = [\"*\"] }]\n"
    );
    "Keep one of them, with all that it has to say.";

    RULE_TWICE = "A0432" "lifecycle rule declared twice";
    "S3 tells the lifecycle rules of a bucket apart by their names.";
    Example::Spec(
        "[bucket.logs]\nregions = [\"us-east-1\"]\nlifecycle = [{ id = \"old\", expire_after = \"30d\" }, { id = \"old\", expire_after = \"60d\" }]\n"
    );
    "Give each rule a name of its own.";

    LIFECYCLE_RULE = "A0433" "lifecycle rule that S3 refuses";
    "Some parts of a lifecycle rule can't stand beside each other, and objects have to move before they expire.";
    Example::Spec(
        "[bucket.logs]\nregions = [\"us-east-1\"]\nlifecycle = [{ id = \"old\", transitions = [{ after = \"7d\", to = \"standard-ia\" }] }]\n"
    );
    "Make two rules of it, or change the age that it names.";

    REPLICATION_RULE = "A0434" "replication rule that S3 refuses";
    "Some parts of a replication rule can't stand beside each other, or not without each other, and no two rules have one name or \
     one priority.";
    Example::Spec(
        "[bucket.logs]\nregions = [\"us-east-1\"]\nversioning = true\nreplication_rules = { rules = [{ id = \"all\", to = \"bucket.copies@eu-central-1\", within_15_minutes = true }] }\n\n[bucket.copies]\nregions = [\"eu-central-1\"]\nversioning = true\n"
    );
    "Say what is missing, or remove what can't stand there.";

    FIFO_ONLY = "A0435" "attribute of FIFO queues only";
    "A standard queue neither keeps an order nor recognizes messages, so it has nothing to say about how.";
    Example::Spec("[queue.orders]\nregions = [\"us-east-1\"]\ndeduplicate_by_content = true\n");
    "Set `fifo = true`, or remove the attribute.";

    POLICY_TOO_LONG = "A0436" "policy that is too long";
    "IAM takes 6,144 characters for a managed policy, 10,240 for all inline policies of a role, 2,048 for those of a user, 5,120 for \
     those of a group, of which the ownership mark may need 1,024, and 2,048 for a trust policy unless the quota was raised. White space does not count.";
    Example::Story("A policy lists every object of a bucket by its own ARN, and is longer than 6,144 characters.\n");
    "Say it in fewer words, or move some of it into a policy of its own.";

    TOO_MANY_TAGS = "A0437" "too many tags";
    "An object of AWS has 50 tags at most, and the ownership mark may need twelve of them.";
    Example::Story("A block has 45 tags.\n");
    "Keep 38 at most.";

    TAG_TWICE = "A0438" "two tags that IAM takes for one";
    "IAM does not tell the keys of tags apart by their case.";
    Example::Spec(
        "[role.shop]\nregions = [\"us-east-1\"]\ntrust = { service = \"ec2.amazonaws.com\" }\ntags = { team = \"a\", Team = \"b\" }\n"
    );
    "Keep one of them.";

    PUBLIC_POLICY = "A0439" "policy that is open to all";
    "S3 refuses a policy that opens a bucket to everybody while such policies are blocked, as they are by default.";
    Example::Spec(
        "[bucket.site]\nregions = [\"us-east-1\"]\npolicy = '{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::site/*\"}]}'\n"
    );
    "Name who may do it, or set `public_access = \"allowed\"`.";

    HEALTH_COMMAND = "A0440" "health check without one command";
    "A health check runs a command as it is, or a line in the container's own shell.";
    Example::Spec("[container.cache]\nimage = \"redis:8\"\nhealth = { interval = \"5s\" }\n");
    "Say exactly one of `command` and `shell`.";

    VARIABLE_NAME = "A0441" "name that no variable can have";
    "An environment variable is one text, `NAME=VALUE`, so its name ends at the first `=`. The container would have another \
     variable than the spec says.";
    Example::Spec("[container.cache]\nimage = \"redis:8\"\nenvironment = { \"A=B\" = \"1\" }\n");
    "Take the `=` out of the name.";

    WITHOUT_ITS_COMPANION = "A0442" "attribute without what it needs";
    "Some attributes of a container count only with another one, or not beside it. The engine would drop them without a word.";
    Example::Spec("[container.cache]\nimage = \"redis:8\"\nswap_mib = 64\n");
    "Say what the message names, or remove the attribute.";

    STATEMENT_TWICE = "A0443" "two statements of one name";
    "IAM tells the statements of a policy apart by their names, where they have any.";
    Example::Spec(
        "[policy.read]\nregions = [\"us-east-1\"]\nallow = [{ sid = \"Read\", actions = [\"s3:GetObject\"], resources = [\"arn:aws:s3:::a/*\"] }]\ndeny = [{ sid = \"Read\", actions = [\"s3:GetObject\"], resources = [\"arn:aws:s3:::a/private/*\"] }]\n"
    );
    "Give each `sid` once, or leave it out.";

    CONTROL_CHARACTER = "A0444" "text that AWS can't take";
    "AWS takes letters, digits, spaces and some marks in tags. A control character, such as the end of a line, is refused in the middle \
     of an apply.";
    Example::Spec("[queue.orders]\nregions = [\"us-east-1\"]\ntags = { \"a\\u0007b\" = \"1\" }\n");
    "Take the character out.";

    REFUSED_BY_S3 = "A0445" "part of a bucket that S3 refuses";
    "Some parts of a bucket can't stand beside each other, or not without each other, and S3 refuses the whole of them.";
    Example::Spec("[bucket.site]\nregions = [\"us-east-1\"]\nwebsite = { error = \"error.html\" }\n");
    "Say what is missing, or remove what can't stand there.";

    CLUSTER_PORT_NODES = "A0450" "port of a cluster that leads nowhere";
    "A port leads to nodes of its cluster, through the load balancer or past it.";
    Example::Spec("[cluster.dc]\nregion = \"us-east-1\"\nagents = 1\nports = [\"8080:80@agent:3\"]\n");
    "Name nodes that the cluster has, counted from 0.";

    BAD_EXPRESSION = "A0451" "expression that can't be evaluated";
    "What is to be decided by an expression in CEL can't be: it is not CEL, names what is not there, or is too long.";
    Example::Spec(
        "[cluster.dc]\nregion = \"us-east-1\"\n\n[app.web]\nclusters = [\"dc\"]\nmanifests = [\"web.yaml\"]\n\n[app.web.objects]\n\"Widget/*\" = { ready = \"object.status.phase = 'Running'\" }\n"
    );
    "Write it in CEL over `object`, such as `object.status.phase == 'Running'`.";

    CLUSTER_NODES = "A0452" "nodes that a cluster does not have";
    "`k3d.nodes` says what holds for some nodes of a cluster, and its keys name them in k3d's words.";
    Example::Spec("[cluster.dc]\nregion = \"us-east-1\"\nagents = 1\n\n[cluster.dc.k3d.nodes.\"agent:3\"]\nmemory_mib = 2048\n");
    "Name nodes that the cluster has, counted from 0, such as `server:0` or `agent:*`.";

    ALLOWED_CONNECTION = "A0460" "connection that a namespace can't allow";
    "A connection of `allow` is between pods of the namespace, or between those and something outside. What says something else means \
     nothing, or less than it seems to.";
    Example::Spec(
        "[cluster.dc]\nregion = \"us-east-1\"\n[namespace.shop]\nclusters = [\"dc\"]\nallow = [{ from = \"anywhere\", to = { cidr = \"10.0.0.0/8\" } }]\n"
    );
    "Say the side that is in the namespace by its `pods`, or leave it out.";
}
