"""Documents that a service takes as a whole, in the service's own words: read, written, and changed word by word.

The words come from the models of the services that botocore has, and from the grammar of IAM's policies, so that a change is made of
each word that there is, whether Atlas knows it or not.
"""

import copy
import datetime
import json

from botocore.exceptions import ClientError, ParamValidationError

# Of each document of a bucket: the call that tells it, the part of the answer that is the document, the call that takes it, and the
# part of the request.
BUCKET = {
    "versioning": ("get_bucket_versioning", None, "put_bucket_versioning", "VersioningConfiguration"),
    "encryption": (
        "get_bucket_encryption",
        "ServerSideEncryptionConfiguration",
        "put_bucket_encryption",
        "ServerSideEncryptionConfiguration",
    ),
    "public_access": (
        "get_public_access_block",
        "PublicAccessBlockConfiguration",
        "put_public_access_block",
        "PublicAccessBlockConfiguration",
    ),
    "object_ownership": (
        "get_bucket_ownership_controls",
        "OwnershipControls",
        "put_bucket_ownership_controls",
        "OwnershipControls",
    ),
    "acl": ("get_bucket_acl", None, "put_bucket_acl", "AccessControlPolicy"),
    "lifecycle": ("get_bucket_lifecycle_configuration", None, "put_bucket_lifecycle_configuration", None),
    "replication": (
        "get_bucket_replication",
        "ReplicationConfiguration",
        "put_bucket_replication",
        "ReplicationConfiguration",
    ),
    "logging": ("get_bucket_logging", None, "put_bucket_logging", "BucketLoggingStatus"),
    "cors": ("get_bucket_cors", None, "put_bucket_cors", "CORSConfiguration"),
    "notifications": (
        "get_bucket_notification_configuration",
        None,
        "put_bucket_notification_configuration",
        "NotificationConfiguration",
    ),
    "website": ("get_bucket_website", None, "put_bucket_website", "WebsiteConfiguration"),
    "object_lock": (
        "get_object_lock_configuration",
        "ObjectLockConfiguration",
        "put_object_lock_configuration",
        "ObjectLockConfiguration",
    ),
}
# Those of which a bucket has several, each under a name of its own: the middle of their calls, and of their words.
NAMED = {"inventory": ("inventory", "Inventory"), "intelligent_tiering": ("intelligent_tiering", "IntelligentTiering")}
# The attributes that are parts of one document.
PARTS = {
    "kms_key": "encryption",
    "bucket_key": "encryption",
    "customer_keys": "encryption",
    "replication_rules": "replication",
    "transition_minimum": "lifecycle",
}
QUEUE = {"dead_letter": "RedrivePolicy", "redrive_allow": "RedriveAllowPolicy", "policy": "Policy"}


def present(call):
    """The answer of a call; None when the service says that there is nothing of it."""
    try:
        answer = call()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code.startswith("NoSuch") or code.endswith("NotFoundError"):
            return None
        raise
    return {key: value for key, value in answer.items() if key not in ("ResponseMetadata", "RequestCharged")}


def listed(value):
    return value if isinstance(value, list) else [value]


def by(kind, name):
    return {"".join(part.capitalize() for part in kind.split("_")) + "Name": name}


def queue_url(sqs, name):
    return sqs.get_queue_url(QueueName=name)["QueueUrl"]


def policy_arn(iam, name):
    for page in iam.get_paginator("list_policies").paginate(Scope="Local"):
        for policy in page["Policies"]:
            if policy["PolicyName"] == name:
                return policy["Arn"]
    return None


def provider_arn(clients, name):
    account = clients("sts").get_caller_identity()["Account"]
    return f"arn:aws:iam::{account}:oidc-provider/{name}"


def read(clients, kind, name, attribute):
    if kind == "bucket":
        return read_bucket(clients("s3"), name, PARTS.get(attribute, attribute))
    if kind == "queue":
        sqs = clients("sqs")
        raw = sqs.get_queue_attributes(QueueUrl=queue_url(sqs, name), AttributeNames=["All"]).get("Attributes", {})
        text = raw.get(QUEUE[attribute])
        return json.loads(text) if text else None
    return read_iam(clients, kind, name, attribute)


def read_bucket(s3, name, attribute):
    if attribute == "policy":
        answer = present(lambda: s3.get_bucket_policy(Bucket=name))
        return json.loads(answer["Policy"]) if answer else None
    if attribute in NAMED:
        middle, word = NAMED[attribute]
        answer = getattr(s3, f"list_bucket_{middle}_configurations")(Bucket=name)
        return {one["Id"]: one for one in answer.get(f"{word}ConfigurationList", [])} or None
    get, part, _, _ = BUCKET[attribute]
    answer = present(lambda: getattr(s3, get)(Bucket=name))
    document = answer.get(part) if answer and part else answer
    return document or None


def read_iam(clients, kind, name, attribute):
    iam = clients("iam")
    if kind == "oidc_provider":
        found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=provider_arn(clients, name))
        return sorted(found["ClientIDList" if attribute == "client_ids" else "ThumbprintList"]) or None
    if kind == "policy":
        arn = policy_arn(iam, name)
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        return iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    if attribute in ("trust", "trust_policy"):
        return iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    call = lambda operation, **more: getattr(iam, operation)(**by(kind, name), **more)
    if attribute == "policies":
        return sorted(one["PolicyArn"] for one in call(f"list_attached_{kind}_policies")["AttachedPolicies"]) or None
    if attribute == "groups":
        return sorted(one["GroupName"] for one in iam.list_groups_for_user(UserName=name)["Groups"]) or None
    own = [one for one in call(f"list_{kind}_policies")["PolicyNames"] if one != "atlas-mark"]
    return {one: call(f"get_{kind}_policy", PolicyName=one)["PolicyDocument"] for one in own} or None


def write(clients, kind, name, attribute, document):
    if kind == "bucket":
        return write_bucket(clients("s3"), name, PARTS.get(attribute, attribute), document)
    if kind == "queue":
        sqs = clients("sqs")
        text = json.dumps(document) if document else ""
        return sqs.set_queue_attributes(QueueUrl=queue_url(sqs, name), Attributes={QUEUE[attribute]: text})
    return write_iam(clients, kind, name, attribute, document)


def write_bucket(s3, name, attribute, document):
    if attribute == "policy":
        return s3.put_bucket_policy(Bucket=name, Policy=json.dumps(document))
    if attribute in NAMED:
        middle, word = NAMED[attribute]
        for one in read_bucket(s3, name, attribute) or {}:
            if one not in (document or {}):
                getattr(s3, f"delete_bucket_{middle}_configuration")(Bucket=name, Id=one)
        for one, value in (document or {}).items():
            value = {f"{word}Configuration": value}
            getattr(s3, f"put_bucket_{middle}_configuration")(Bucket=name, Id=one, **value)
        return None
    if attribute in ("object_lock", "replication"):
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    if attribute == "acl":
        # Nobody's list counts while the owner owns everything.
        s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    if attribute == "lifecycle":
        return s3.put_bucket_lifecycle_configuration(Bucket=name, **lifecycle(document))
    _, _, put, part = BUCKET[attribute]
    more = {"SkipDestinationValidation": True} if attribute == "notifications" else {}
    return getattr(s3, put)(Bucket=name, **{part: document or {}}, **more)


def lifecycle(document):
    """The rules stand in a part of the request, and the size beside them."""
    least = document.get("TransitionDefaultMinimumObjectSize")
    beside = {"TransitionDefaultMinimumObjectSize": least} if least else {}
    return {"LifecycleConfiguration": {"Rules": document["Rules"]}, **beside}


def write_iam(clients, kind, name, attribute, document):
    iam = clients("iam")
    there = set(read_iam(clients, kind, name, attribute) or []) if kind != "policy" else set()
    if kind == "oidc_provider":
        arn = {"OpenIDConnectProviderArn": provider_arn(clients, name)}
        if attribute == "thumbprints":
            return iam.update_open_id_connect_provider_thumbprint(**arn, ThumbprintList=document or [])
        for one in set(document or []) - there:
            iam.add_client_id_to_open_id_connect_provider(**arn, ClientID=one)
        for one in there - set(document or []):
            iam.remove_client_id_from_open_id_connect_provider(**arn, ClientID=one)
        return None
    if kind == "policy":
        arn = policy_arn(iam, name)
        old = [one for one in iam.list_policy_versions(PolicyArn=arn)["Versions"] if not one["IsDefaultVersion"]]
        for one in old:
            iam.delete_policy_version(PolicyArn=arn, VersionId=one["VersionId"])
        return iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(document), SetAsDefault=True)
    if attribute in ("trust", "trust_policy"):
        return iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(document))
    call = lambda operation, **more: getattr(iam, operation)(**by(kind, name), **more)
    wanted = set(document or [])
    if attribute == "policies":
        for one in wanted - there:
            call(f"attach_{kind}_policy", PolicyArn=one)
        for one in there - wanted:
            call(f"detach_{kind}_policy", PolicyArn=one)
    elif attribute == "groups":
        for one in wanted - there:
            iam.add_user_to_group(UserName=name, GroupName=one)
        for one in there - wanted:
            iam.remove_user_from_group(UserName=name, GroupName=one)
    else:
        for one in there - wanted:
            call(f"delete_{kind}_policy", PolicyName=one)
        for one, value in (document or {}).items():
            call(f"put_{kind}_policy", PolicyName=one, PolicyDocument=json.dumps(value))
    return None


def change(clients, kind, name, attribute, at):
    """Makes the change of that number; none when there is no such number any more."""
    key = (kind, name, attribute)
    if at == 0:
        before = read(clients, kind, name, attribute)
        CHANGES[key] = (before, list(changes(clients, kind, attribute, before)))
    before, all = CHANGES[key]
    if at >= len(all):
        return {}
    words, document = all[at]
    try:
        write(clients, kind, name, attribute, document)
    except (ClientError, ParamValidationError, TypeError) as error:
        write(clients, kind, name, attribute, before)
        return {"words": words, "outcome": "refused", "why": str(error)[:200]}
    kept = read(clients, kind, name, attribute) != before
    return {"words": words, "outcome": "kept" if kept else "forgotten"}


# By object and document: the document before, and its changes.
CHANGES = {}


def changes(clients, kind, attribute, document):
    """Every change of one word of a document: what it is, and the document then."""
    if kind == "bucket" and attribute != "policy":
        yield from of_bucket(clients("s3"), PARTS.get(attribute, attribute), document)
    elif attribute in ("policies", "groups", "client_ids", "thumbprints"):
        yield from of_names(clients, attribute, document or [])
    elif kind == "queue" and attribute != "policy":
        yield from of_redrive(attribute, document)
    elif kind == "policy" or attribute in ("trust", "trust_policy", "policy") and kind in ("role", "queue", "bucket"):
        if kind == "role" and attribute == "policy":
            yield from of_inline(document)
        else:
            yield from of_policy(document, attribute in ("trust", "trust_policy") or kind in ("queue", "bucket"))
    else:
        yield from of_inline(document)


def of_bucket(s3, attribute, document):
    model = s3.meta.service_model
    if attribute in NAMED:
        middle, word = NAMED[attribute]
        shape = model.operation_model(f"PutBucket{word}Configuration").input_shape.members[f"{word}Configuration"]
        first = next(iter(document))
        others = {key: value for key, value in document.items() if key != first}
        for words, one in of_shape(shape, document[first], attribute):
            # Its name is what it is put under.
            if one.get("Id") == first:
                yield words, {first: one, **others}
        yield f"{attribute}: another", {**document, "theirs": {**copy.deepcopy(document[first]), "Id": "theirs"}}
        if others:
            yield f"{attribute}: one less", others
        return
    put = "".join(part.capitalize() for part in BUCKET[attribute][2].split("_"))
    shape = model.operation_model(put).input_shape
    if attribute == "lifecycle":
        least = document.get("TransitionDefaultMinimumObjectSize")
        for one in shape.members["TransitionDefaultMinimumObjectSize"].enum:
            if one != least:
                yield f"lifecycle.TransitionDefaultMinimumObjectSize = {one}", {**document, "TransitionDefaultMinimumObjectSize": one}
        for words, one in of_shape(shape.members["LifecycleConfiguration"], {"Rules": document["Rules"]}, attribute):
            yield words, {**document, **one}
        return
    yield from of_shape(shape.members[BUCKET[attribute][3]], document, attribute)


def of_shape(shape, value, path):
    """The changes of a value of a shape of a service's model."""
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            at = f"{path}.{name}"
            if name not in value:
                for one in samples(member):
                    yield f"{at} = {one}", {**value, name: one}
                continue
            for words, one in of_shape(member, value[name], at):
                yield words, {**value, name: one}
            if name not in shape.required_members:
                yield f"{at} left out", {key: one for key, one in value.items() if key != name}
    elif shape.type_name == "list":
        for at, item in enumerate(value):
            for words, one in of_shape(shape.member, item, f"{path}[{at}]"):
                yield words, [*value[:at], one, *value[at + 1 :]]
        if len(value) > 1:
            yield f"{path}: one less", value[:-1]
        if shape.member.type_name == "structure" and value:
            yield f"{path}: another", [*value, other(value[0])]
    else:
        for one in samples(shape):
            if one != value:
                yield f"{path} = {one}", one


def other(one):
    """One more of its sort, under another name."""
    twin = copy.deepcopy(one)
    for name in ("ID", "Id"):
        if name in twin:
            twin[name] = "theirs"
    if "Key" in twin:
        twin["Key"] = "theirs"
    if "Priority" in twin:
        twin["Priority"] += 50
    return twin


def samples(shape):
    """Good values of a shape: each word that it knows, or one value."""
    kind = shape.type_name
    if kind == "structure":
        needed = {name: samples(shape.members[name])[0] for name in shape.required_members}
        others = [name for name in shape.members if name not in needed]
        if not others or shape.members == {}:
            return [needed]
        return [{**needed, name: one} for name in others for one in samples(shape.members[name])[:1]] or [needed]
    if kind == "list":
        return [samples(shape.member)[:1]]
    if kind == "string":
        return list(getattr(shape, "enum", None) or ["theirs"])
    if kind == "boolean":
        return [True, False]
    if kind == "timestamp":
        return [datetime.datetime(2041, 2, 3)]
    return [400]


def of_names(clients, attribute, document):
    iam = clients("iam")
    if attribute == "policies":
        theirs = iam.create_policy(PolicyName="matrix-theirs", PolicyDocument=json.dumps(GRANT)) if not policy_arn(iam, "matrix-theirs") else None
        theirs = theirs["Policy"]["Arn"] if theirs else policy_arn(iam, "matrix-theirs")
    elif attribute == "groups":
        try:
            iam.create_group(GroupName="matrix-theirs")
        except ClientError:
            pass
        theirs = "matrix-theirs"
    else:
        theirs = "theirs" if attribute == "client_ids" else "a" * 40
    yield f"{attribute}: another", [*document, theirs]
    if len(document) > 1 or document and attribute in ("policies", "groups"):
        yield f"{attribute}: one less", document[:-1]


def of_redrive(attribute, document):
    if attribute == "dead_letter":
        yield "maxReceiveCount = 77", {**document, "maxReceiveCount": 77}
        yield "maxReceiveCount as a text", {**document, "maxReceiveCount": "78"}
        yield "none", None
        return
    for word in ("allowAll", "denyAll"):
        if document.get("redrivePermission") != word:
            yield f"redrivePermission = {word}", {"redrivePermission": word}
    arn = "arn:aws:sqs:us-east-1:111122223333:theirs"
    sources = document.get("sourceQueueArns", [])
    yield "sourceQueueArns: another", {"redrivePermission": "byQueue", "sourceQueueArns": [*sources, arn]}


GRANT = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}


def of_inline(document):
    """The changes of the policies that are in an object itself."""
    for name, one in (document or {}).items():
        for words, changed in of_policy(one, False):
            yield f"{name}: {words}", {**document, name: changed}
        yield f"{name} left out", {key: value for key, value in document.items() if key != name}
    yield "another policy", {**(document or {}), "theirs": GRANT}


def of_policy(document, names_who):
    """The changes of a policy, along its grammar: what is said of it, and of each statement."""
    statements = [dict(one) for one in listed(document["Statement"])]
    whole = lambda statements: {**document, "Statement": statements}
    yield "Version = 2008-10-17", {**document, "Version": "2008-10-17"}
    yield "Id = theirs", {**document, "Id": "theirs"}
    first, rest = statements[0], statements[1:]
    more = {"Sid": "Theirs", "Effect": "Deny", "Action": first.get("Action", "sts:AssumeRole")}
    for key in ("Principal", "NotPrincipal", "Resource", "NotResource"):
        if key in first:
            more[key.replace("Not", "")] = first[key]
    yield "another statement", whole([*statements, more])
    if rest:
        yield "one statement less", whole(rest)
    effect = "Deny" if first["Effect"] == "Allow" else "Allow"
    yield f"Effect = {effect}", whole([{**first, "Effect": effect}, *rest])
    yield "Sid = Theirs", whole([{**first, "Sid": "Theirs"}, *rest])
    for operator, key, value in (
        ("StringEquals", "aws:RequestedRegion", "eu-central-1"),
        ("StringNotLike", "aws:PrincipalArn", ["a*", "b*"]),
        ("Bool", "aws:MultiFactorAuthPresent", "true"),
        ("NumericLessThan", "aws:MultiFactorAuthAge", "300"),
        ("IpAddress", "aws:SourceIp", "192.0.2.0/24"),
        ("Null", "aws:TokenIssueTime", "false"),
        ("ForAnyValue:StringEquals", "aws:TagKeys", ["a"]),
    ):
        yield f"Condition.{operator}", whole([{**first, "Condition": {**first.get("Condition", {}), operator: {key: value}}}, *rest])
    if "Condition" in first:
        yield "Condition left out", whole([{key: one for key, one in first.items() if key != "Condition"}, *rest])
    for key in ("Action", "Resource"):
        if key in first:
            others = {name: one for name, one in first.items() if name != key}
            yield f"Not{key}", whole([{**others, f"Not{key}": first[key]}, *rest])
            wider = [*listed(first[key]), "sqs:Theirs" if key == "Action" else "arn:aws:s3:::theirs/*"]
            yield f"{key}: another", whole([{**first, key: wider}, *rest])
            yield f"{key} = *", whole([{**first, key: "*"}, *rest])
    if names_who and "Principal" in first:
        for who in ("*", {"AWS": "444455556666"}, {"Service": "lambda.amazonaws.com"}, {"Federated": "accounts.google.com"}):
            if who != first["Principal"]:
                yield f"Principal = {who}", whole([{**first, "Principal": who}, *rest])
