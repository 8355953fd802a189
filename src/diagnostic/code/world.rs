//! What the world of an environment can't do.

use super::definition::{Code, Example, codes};

codes! {
    NO_DRIVER = "A0601" "no driver";
    "Nothing in this build makes resources of this kind in this world.";
    Example::Story("A spec with a `database` is planned in an environment with `world = \"real\"`.\n");
    "Use an environment with `world = \"sandbox\"`, where every kind works.";

    REGION_NOWHERE = "A0602" "region that is nowhere";
    "In the real world a region has to say what it is.";
    Example::Story("[region.us-east-1] without anything else, in an environment with `world = \"real\"`.\n");
    "Say `aws = {}` for AWS itself, `aws = { endpoint = \"…\" }` for what speaks like it, or `localstack = {}` for a container.";

    CLUSTER_NOWHERE = "A0603" "cluster that is nowhere";
    "In the real world a cluster has to say how it is reached or made.";
    Example::Story("[cluster.dc] with a `region` alone, in an environment with `world = \"real\"`.\n");
    "Say `k3d = {}` for a cluster in containers, `kubeconfig = { context = \"…\" }` for one that exists already, or `eks = {}` for \
     one of AWS's.";
}
