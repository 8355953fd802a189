"""A client that knows nothing of Atlas: it reads and changes objects with boto3, one JSON request a line.

Each request names an operation, an endpoint and a region: {"op": "describe", "endpoint": …, "region": …, …}.
"""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

sys.dont_write_bytecode = True
import documents

CLIENTS = {}


def client(request, service):
    key = (request["endpoint"], request["region"], service)
    if key not in CLIENTS:
        CLIENTS[key] = boto3.client(
            service,
            endpoint_url=request["endpoint"],
            region_name=request["region"],
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(s3={"addressing_style": "path"}),
        )
    return CLIENTS[key]


def attempt(call, *absent):
    """The answer of a call; None when it fails with one of these codes."""
    try:
        return call()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if any(code.startswith(one) or code.endswith(one) for one in absent):
            return None
        raise


def account(request):
    return client(request, "sts").get_caller_identity()["Account"]


def duration(seconds):
    seconds = int(seconds)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def seconds(text):
    return int(text[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[text[-1]]


def listed(value):
    return value if isinstance(value, list) else [value]


LISTS = {"actions": "Action", "not_actions": "NotAction", "resources": "Resource", "not_resources": "NotResource"}


def split(document):
    """The statements of a policy in the short form that specs use."""
    found = {"allow": [], "deny": []}
    for statement in listed(document["Statement"]):
        one = {own: sorted(listed(statement[theirs])) for own, theirs in LISTS.items() if theirs in statement}
        if "Sid" in statement:
            one["sid"] = statement["Sid"]
        if "Condition" in statement:
            one["conditions"] = statement["Condition"]
        found[statement["Effect"].lower()].append(one)
    return {key: value for key, value in found.items() if value}


def joined(allow, deny):
    statements = []
    for effect, short in [("Allow", one) for one in allow or []] + [("Deny", one) for one in deny or []]:
        one = {"Effect": effect, **{theirs: short[own] for own, theirs in LISTS.items() if own in short}}
        if "sid" in short:
            one["Sid"] = short["sid"]
        if "conditions" in short:
            one["Condition"] = short["conditions"]
        statements.append(one)
    return {"Version": "2012-10-17", "Statement": statements}


BLOCKS = {
    "block_acls": "BlockPublicAcls",
    "ignore_acls": "IgnorePublicAcls",
    "block_policies": "BlockPublicPolicy",
    "restrict": "RestrictPublicBuckets",
}


def describe_bucket(request, name):
    s3 = client(request, "s3")
    if attempt(lambda: s3.head_bucket(Bucket=name), "404") is None:
        return None
    found = {"name": name}
    found["versioning"] = s3.get_bucket_versioning(Bucket=name).get("Status") == "Enabled"
    rules = attempt(lambda: s3.get_bucket_encryption(Bucket=name), "NotFoundError")
    rule = rules["ServerSideEncryptionConfiguration"]["Rules"][0] if rules else {}
    default = rule.get("ApplyServerSideEncryptionByDefault", {})
    words = {"AES256": "aes256", "aws:kms": "kms", "aws:kms:dsse": "kms-dsse"}
    found["encryption"] = words[default.get("SSEAlgorithm", "AES256")]
    found["bucket_key"] = rule.get("BucketKeyEnabled", False)
    types = rule.get("BlockedEncryptionTypes", {}).get("EncryptionType")
    if types:
        found["customer_keys"] = "blocked" if "SSE-C" in types else "allowed"
    if "KMSMasterKeyID" in default:
        found["kms_key"] = default["KMSMasterKeyID"]
    block = attempt(lambda: s3.get_public_access_block(Bucket=name), "NoSuchPublicAccessBlockConfiguration")
    flags = block["PublicAccessBlockConfiguration"] if block else {"": False}
    whole = {True: "blocked", False: "allowed"}
    parts = {own: flags.get(theirs, False) for own, theirs in BLOCKS.items()}
    found["public_access"] = whole[all(parts.values())] if len(set(parts.values())) == 1 else parts
    controls = attempt(lambda: s3.get_bucket_ownership_controls(Bucket=name), "NotFoundError")
    owner = controls["OwnershipControls"]["Rules"][0]["ObjectOwnership"] if controls else "ObjectWriter"
    found["object_ownership"] = "".join("-" * (i > 0 and c.isupper()) + c.lower() for i, c in enumerate(owner))
    policy = attempt(lambda: s3.get_bucket_policy(Bucket=name), "NoSuchBucketPolicy")
    statements = json.loads(policy["Policy"])["Statement"] if policy else []
    found["secure_transport"] = any(
        one["Effect"] == "Deny" and one.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
        for one in statements
    )
    others = [one for one in statements if one["Effect"] == "Allow"]
    if others:
        found["policy"] = sorted(one["Action"] for one in others)
    lifecycle = attempt(lambda: s3.get_bucket_lifecycle_configuration(Bucket=name), "NoSuchLifecycleConfiguration")
    if lifecycle:
        found["lifecycle"] = [describe_rule(rule) for rule in lifecycle["Rules"]]
        varies = lifecycle.get("TransitionDefaultMinimumObjectSize") == "varies_by_storage_class"
        found["transition_minimum"] = "by-class" if varies else "128-kib"
    replication = attempt(lambda: s3.get_bucket_replication(Bucket=name), "NotFoundError")
    if replication:
        rule = replication["ReplicationConfiguration"]["Rules"][0]
        found["replication"] = rule["Destination"]["Bucket"].rsplit(":", 1)[-1]
    logging = s3.get_bucket_logging(Bucket=name).get("LoggingEnabled")
    if logging:
        found["logging"] = describe_logging(logging)
    describe_more(s3, name, found)
    tags = attempt(lambda: s3.get_bucket_tagging(Bucket=name), "NoSuchTagSet")
    found["tags"] = {tag["Key"]: tag["Value"] for tag in tags["TagSet"]} if tags else {}
    return found


def present(**words):
    return {key: value for key, value in words.items() if value not in (None, [], "")}


def describe_more(s3, name, found):
    """What a bucket has only when somebody asks for it."""
    cors = attempt(lambda: s3.get_bucket_cors(Bucket=name), "NoSuchCORSConfiguration")
    if cors:
        found["cors"] = [
            present(
                id=rule.get("ID"),
                origins=sorted(rule["AllowedOrigins"]),
                methods=sorted(rule["AllowedMethods"]),
                headers=sorted(rule.get("AllowedHeaders", [])),
                expose=sorted(rule.get("ExposeHeaders", [])),
                max_age=duration(rule["MaxAgeSeconds"]) if "MaxAgeSeconds" in rule else None,
            )
            for rule in cors["CORSRules"]
        ]
    told = s3.get_bucket_notification_configuration(Bucket=name)
    entries = told.get("QueueConfigurations", [])
    bridge = "EventBridgeConfiguration" in told
    if entries or bridge:
        found["notifications"] = {**present(queues=[describe_notification(one) for one in entries]), "event_bridge": bridge}
    site = attempt(lambda: s3.get_bucket_website(Bucket=name), "NoSuchWebsiteConfiguration")
    if site:
        found["website"] = describe_website(site)
    lock = attempt(lambda: s3.get_object_lock_configuration(Bucket=name), "NotFoundError")
    if lock:
        kept = lock["ObjectLockConfiguration"].get("Rule", {}).get("DefaultRetention")
        words = lambda: {"mode": kept["Mode"].lower(), **({"days": kept["Days"]} if kept.get("Days") else {"years": kept["Years"]})}
        found["object_lock"] = words() if kept else "enabled"
    describe_configurations(s3, name, found)
    grants = s3.get_bucket_acl(Bucket=name)["Grants"]
    found["acl"] = sorted(f"{one['Grantee'].get('URI', '').rsplit('/', 1)[-1]} {one['Permission']}" for one in grants)


def kebab(word):
    return "".join("-" * (at > 0 and letter.isupper()) + letter.lower() for at, letter in enumerate(word))


def describe_logging(one):
    parts = one.get("TargetObjectKeyFormat", {}).get("PartitionedPrefix")
    grants = [
        present(
            account=grant["Grantee"].get("ID"),
            group=kebab(grant["Grantee"].get("URI", "").rsplit("/", 1)[-1]),
            right=grant["Permission"].lower().replace("_", "-"),
        )
        for grant in one.get("TargetGrants", [])
    ]
    day = kebab(parts.get("PartitionDateSource", "EventTime")) if parts is not None else None
    return {"to": one["TargetBucket"], "prefix": one["TargetPrefix"], **present(partitioned_by=day, grants=grants)}


def describe_configurations(s3, name, found):
    """What a bucket has several of, each under a name of its own."""
    lists = attempt(lambda: s3.list_bucket_inventory_configurations(Bucket=name), "NotFoundError") or {}
    inventories = [describe_inventory(one) for one in lists.get("InventoryConfigurationList", [])]
    archives = s3.list_bucket_intelligent_tiering_configurations(Bucket=name).get("IntelligentTieringConfigurationList", [])
    tiers = {"ARCHIVE_ACCESS": "archive_after", "DEEP_ARCHIVE_ACCESS": "deep_archive_after"}
    tierings = [
        {
            "id": one["Id"],
            "enabled": one["Status"] == "Enabled",
            **describe_filter(one),
            **{tiers[tier["AccessTier"]]: f"{tier['Days']}d" for tier in one["Tierings"]},
        }
        for one in archives
    ]
    found.update(present(inventory=inventories, intelligent_tiering=tierings))


def describe_inventory(one):
    to = one["Destination"]["S3BucketDestination"]
    encryption = to.get("Encryption", {})
    key = encryption.get("SSEKMS", {}).get("KeyId")
    return present(
        id=one["Id"],
        enabled=one["IsEnabled"],
        to=to["Bucket"],
        account=to.get("AccountId"),
        to_prefix=to.get("Prefix"),
        format=to["Format"].lower(),
        schedule=one["Schedule"]["Frequency"].lower(),
        versions=one["IncludedObjectVersions"].lower(),
        prefix=one.get("Filter", {}).get("Prefix"),
        fields=sorted(kebab(field) for field in one.get("OptionalFields", [])),
        encryption="kms" if key else "aes256" if "SSES3" in encryption else None,
        kms_key=key,
    )


def describe_notification(one):
    rules = one.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    parts = {rule["Name"].lower(): rule["Value"] for rule in rules}
    return present(id=one["Id"], to=one["QueueArn"].rsplit(":", 1)[-1], events=sorted(one["Events"]), **parts)


def describe_website(site):
    def route(one):
        when, to = one.get("Condition", {}), one["Redirect"]
        number = lambda text: int(text) if text else None
        return present(
            prefix=when.get("KeyPrefixEquals"),
            error_code=number(when.get("HttpErrorCodeReturnedEquals")),
            host=to.get("HostName"),
            protocol=to.get("Protocol"),
            replace_prefix=to.get("ReplaceKeyPrefixWith"),
            replace_key=to.get("ReplaceKeyWith"),
            code=number(to.get("HttpRedirectCode")),
        )

    other = site.get("RedirectAllRequestsTo")
    return present(
        index=site.get("IndexDocument", {}).get("Suffix"),
        error=site.get("ErrorDocument", {}).get("Key"),
        routes=[route(one) for one in site.get("RoutingRules", [])],
        redirect=present(host=other["HostName"], protocol=other.get("Protocol")) if other else None,
    )


def describe_filter(rule):
    """The conditions of a rule of S3, whichever way it says them."""
    said = rule.get("Filter", {})
    every = said.get("And", said)
    tags = every.get("Tags", [every["Tag"]] if "Tag" in every else [])
    found = {
        "prefix": every.get("Prefix") or rule.get("Prefix"),
        "tags": {tag["Key"]: tag["Value"] for tag in tags},
        "larger_than": every.get("ObjectSizeGreaterThan"),
        "smaller_than": every.get("ObjectSizeLessThan"),
    }
    return {key: value for key, value in found.items() if value or value == 0}


def write_filter(rule):
    every = {}
    if rule.get("prefix"):
        every["Prefix"] = rule["prefix"]
    if rule.get("tags"):
        every["Tags"] = [{"Key": key, "Value": value} for key, value in rule["tags"].items()]
    for own, theirs in (("larger_than", "ObjectSizeGreaterThan"), ("smaller_than", "ObjectSizeLessThan")):
        if own in rule:
            every[theirs] = rule[own]
    if len(every) + max(len(every.get("Tags", [])) - 1, 0) > 1:
        return {"And": every}
    if "Tags" in every:
        return {"Tag": every["Tags"][0]}
    return every or {"Prefix": ""}


def storage(word):
    return word.lower().replace("_", "-")


def describe_rule(rule):
    expiration, old = rule.get("Expiration", {}), rule.get("NoncurrentVersionExpiration", {})
    found = {"id": rule["ID"], "enabled": rule["Status"] == "Enabled", **describe_filter(rule)}
    found["remove_markers"] = expiration.get("ExpiredObjectDeleteMarker", False)
    days = {
        "expire_after": expiration.get("Days"),
        "expire_noncurrent_after": old.get("NoncurrentDays"),
        "abort_uploads_after": rule.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation"),
    }
    found.update({key: f"{value}d" for key, value in days.items() if value})
    if "Date" in expiration:
        found["expire_on"] = expiration["Date"].strftime("%Y-%m-%d")
    if "NewerNoncurrentVersions" in old:
        found["keep_noncurrent"] = old["NewerNoncurrentVersions"]
    if rule.get("Transitions"):
        when = lambda one: {"after": f"{one['Days']}d"} if "Days" in one else {"on": one["Date"].strftime("%Y-%m-%d")}
        found["transitions"] = [{**when(one), "to": storage(one["StorageClass"])} for one in rule["Transitions"]]
    if rule.get("NoncurrentVersionTransitions"):
        kept = lambda one: {"keep": one["NewerNoncurrentVersions"]} if "NewerNoncurrentVersions" in one else {}
        found["noncurrent_transitions"] = [
            {"after": f"{one['NoncurrentDays']}d", "to": storage(one["StorageClass"]), **kept(one)}
            for one in rule["NoncurrentVersionTransitions"]
        ]
    return found


def write_rule(rule):
    one = {"ID": rule["id"], "Status": "Enabled" if rule.get("enabled", True) else "Disabled", "Filter": write_filter(rule)}
    if "expire_after" in rule:
        one["Expiration"] = {"Days": seconds(rule["expire_after"]) // 86400}
    if "expire_on" in rule:
        one["Expiration"] = {"Date": rule["expire_on"] + "T00:00:00Z"}
    if rule.get("remove_markers"):
        one["Expiration"] = {"ExpiredObjectDeleteMarker": True}
    if "expire_noncurrent_after" in rule:
        kept = {"NewerNoncurrentVersions": rule["keep_noncurrent"]} if "keep_noncurrent" in rule else {}
        one["NoncurrentVersionExpiration"] = {"NoncurrentDays": seconds(rule["expire_noncurrent_after"]) // 86400, **kept}
    if "abort_uploads_after" in rule:
        one["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": seconds(rule["abort_uploads_after"]) // 86400}
    for moves in rule.get("transitions", []):
        when = {"Days": seconds(moves["after"]) // 86400} if "after" in moves else {"Date": moves["on"] + "T00:00:00Z"}
        one.setdefault("Transitions", []).append({**when, "StorageClass": moves["to"].upper().replace("-", "_")})
    for moves in rule.get("noncurrent_transitions", []):
        kept = {"NewerNoncurrentVersions": moves["keep"]} if "keep" in moves else {}
        days = {"NoncurrentDays": seconds(moves["after"]) // 86400, **kept}
        to = {**days, "StorageClass": moves["to"].upper().replace("-", "_")}
        one.setdefault("NoncurrentVersionTransitions", []).append(to)
    return one


SCOPES = {"queue": "queue", "message-group": "messageGroup"}
LIMITS = {"queue": "perQueue", "message-group": "perMessageGroupId"}
SAME = lambda words: {value: key for key, value in words.items()}

QUEUE = {
    "visibility_timeout": ("VisibilityTimeout", duration, seconds),
    "retention": ("MessageRetentionPeriod", duration, seconds),
    "delay": ("DelaySeconds", duration, seconds),
    "receive_wait": ("ReceiveMessageWaitTimeSeconds", duration, seconds),
    "max_message_size": ("MaximumMessageSize", int, int),
    "kms_reuse": ("KmsDataKeyReusePeriodSeconds", duration, seconds),
    "deduplicate_by_content": ("ContentBasedDeduplication", lambda text: text == "true", lambda flag: str(flag).lower()),
    "deduplication_scope": ("DeduplicationScope", SAME(SCOPES).get, SCOPES.get),
    "throughput_limit": ("FifoThroughputLimit", SAME(LIMITS).get, LIMITS.get),
}
# What SQS does not tell where it means nothing.
DEFAULTS = {"kms_reuse": "5m", "deduplicate_by_content": False, "deduplication_scope": "queue", "throughput_limit": "queue"}


def queue_url(request, name):
    sqs = client(request, "sqs")
    answer = attempt(lambda: sqs.get_queue_url(QueueName=name), "NonExistentQueue", "QueueDoesNotExist")
    return answer and answer["QueueUrl"]


def describe_queue(request, name):
    sqs, url = client(request, "sqs"), queue_url(request, name)
    if url is None:
        return None
    raw = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    found = {"name": name, "fifo": raw.get("FifoQueue") == "true"}
    for own, (theirs, read, _) in QUEUE.items():
        found[own] = read(raw[theirs]) if theirs in raw else DEFAULTS[own]
    sse = "sqs" if raw.get("SqsManagedSseEnabled") == "true" else "none"
    found["encryption"] = "kms" if raw.get("KmsMasterKeyId") else sse
    if raw.get("KmsMasterKeyId"):
        found["kms_key"] = raw["KmsMasterKeyId"]
    else:
        found["kms_reuse"] = DEFAULTS["kms_reuse"]
    if raw.get("RedrivePolicy"):
        redrive = json.loads(raw["RedrivePolicy"])
        found["dead_letter"] = [redrive["deadLetterTargetArn"].rsplit(":", 1)[-1], int(redrive["maxReceiveCount"])]
    if raw.get("RedriveAllowPolicy"):
        words = {"allowAll": "all", "denyAll": "none", "byQueue": "listed"}
        found["redrive_allow"] = words[json.loads(raw["RedriveAllowPolicy"])["redrivePermission"]]
    if raw.get("Policy"):
        statement = listed(json.loads(raw["Policy"])["Statement"])[0]
        found["policy"] = listed(statement["Action"])
    found["tags"] = sqs.list_queue_tags(QueueUrl=url).get("Tags", {})
    return found


def describe_role(request, name):
    iam = client(request, "iam")
    answer = attempt(lambda: iam.get_role(RoleName=name), "NoSuchEntity")
    if answer is None:
        return None
    role = answer["Role"]
    found = {"name": name, "path": role["Path"], "max_session": duration(role.get("MaxSessionDuration", 3600))}
    if role.get("Description"):
        found["description"] = role["Description"]
    if role.get("PermissionsBoundary"):
        found["permissions_boundary"] = role["PermissionsBoundary"]["PermissionsBoundaryArn"]
    trust = listed(role["AssumeRolePolicyDocument"]["Statement"])[0]
    found["trust"] = trust["Principal"]
    inline = attempt(lambda: iam.get_role_policy(RoleName=name, PolicyName="atlas"), "NoSuchEntity")
    if inline:
        found.update(split(inline["PolicyDocument"]))
    others = [one for one in iam.list_role_policies(RoleName=name)["PolicyNames"] if one != "atlas"]
    if others:
        document = lambda one: iam.get_role_policy(RoleName=name, PolicyName=one)["PolicyDocument"]
        found["inline_policies"] = {one: document(one) for one in others}
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    if attached:
        found["policies"] = sorted(one["PolicyName"] for one in attached)
    found["tags"] = {tag["Key"]: tag["Value"] for tag in role.get("Tags", [])}
    return found


def describe_instance_profile(request, name):
    iam = client(request, "iam")
    answer = attempt(lambda: iam.get_instance_profile(InstanceProfileName=name), "NoSuchEntity")
    if answer is None:
        return None
    profile = answer["InstanceProfile"]
    found = {"name": name, "path": profile["Path"]}
    if profile["Roles"]:
        found["role"] = profile["Roles"][0]["RoleName"]
    found["tags"] = {tag["Key"]: tag["Value"] for tag in profile.get("Tags", [])}
    return found


def describe_oidc_provider(request, name):
    iam, arn = client(request, "iam"), f"arn:aws:iam::{account(request)}:oidc-provider/{name}"
    found = attempt(lambda: iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn), "NoSuchEntity")
    if found is None:
        return None
    lists = {"client_ids": found["ClientIDList"], "thumbprints": found["ThumbprintList"]}
    tags = {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}
    return {"name": name, **{key: sorted(value) for key, value in lists.items() if value}, "tags": tags}


def describe_rights(request, sort, name):
    """The policies of a user or a group."""
    iam, by = client(request, "iam"), {f"{sort.capitalize()}Name": name}
    own = lambda one: getattr(iam, f"get_{sort}_policy")(**by, PolicyName=one)["PolicyDocument"]
    inline = getattr(iam, f"list_{sort}_policies")(**by)["PolicyNames"]
    found = split(own("atlas")) if "atlas" in inline else {}
    others = [one for one in inline if one not in ("atlas", "atlas-mark")]
    if others:
        found["inline_policies"] = {one: own(one) for one in others}
    attached = getattr(iam, f"list_attached_{sort}_policies")(**by)["AttachedPolicies"]
    if attached:
        found["policies"] = sorted(one["PolicyName"] for one in attached)
    if "atlas-mark" in inline:
        found["mark"] = own("atlas-mark")
    return found


def describe_user(request, name):
    iam = client(request, "iam")
    answer = attempt(lambda: iam.get_user(UserName=name), "NoSuchEntity")
    if answer is None:
        return None
    user = answer["User"]
    found = {"name": name, "path": user["Path"], **describe_rights(request, "user", name)}
    if user.get("PermissionsBoundary"):
        found["permissions_boundary"] = user["PermissionsBoundary"]["PermissionsBoundaryArn"]
    groups = iam.list_groups_for_user(UserName=name)["Groups"]
    if groups:
        found["groups"] = sorted(one["GroupName"] for one in groups)
    found["tags"] = {tag["Key"]: tag["Value"] for tag in user.get("Tags", [])}
    return found


def describe_group(request, name):
    iam = client(request, "iam")
    answer = attempt(lambda: iam.get_group(GroupName=name), "NoSuchEntity")
    if answer is None:
        return None
    found = {"name": name, "path": answer["Group"]["Path"], **describe_rights(request, "group", name)}
    if answer["Users"]:
        found["members"] = sorted(one["UserName"] for one in answer["Users"])
    return found


def policy_arn(request, name):
    iam = client(request, "iam")
    for page in iam.get_paginator("list_policies").paginate(Scope="Local"):
        for policy in page["Policies"]:
            if policy["PolicyName"] == name:
                return policy["Arn"]
    return None


def describe_policy(request, name):
    iam, arn = client(request, "iam"), policy_arn(request, name)
    if arn is None:
        return None
    policy = iam.get_policy(PolicyArn=arn)["Policy"]
    version = iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
    found = {"name": name, "path": policy["Path"], **split(version["Document"])}
    if policy.get("Description"):
        found["description"] = policy["Description"]
    found["tags"] = {tag["Key"]: tag["Value"] for tag in policy.get("Tags", [])}
    return found


def meddle_tags(tags, attribute, value):
    """The tags after somebody changed them: those of the spec, or one of those that steer Atlas."""
    if attribute == "tags":
        return {**tags, **value}
    key = "atlas:" + attribute.replace("_", "-")
    others = {name: text for name, text in tags.items() if name != key}
    return {**others, key: "true"} if value else others


TAGGED = ("tags", "force_empty", "tags_exclusive")


def meddle_bucket(request, name, attribute, value):
    s3 = client(request, "s3")
    if attribute in TAGGED:
        tags = meddle_tags(describe_bucket(request, name)["tags"], attribute, value)
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": k, "Value": v} for k, v in tags.items()]})
    elif attribute == "versioning":
        status = "Enabled" if value else "Suspended"
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": status})
    elif attribute in ("encryption", "kms_key", "bucket_key"):
        algorithm = {"aes256": "AES256", "kms-dsse": "aws:kms:dsse"}.get(value, "aws:kms")
        key = {"KMSMasterKeyID": value} if attribute == "kms_key" else {}
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm, **key}}
        if attribute == "bucket_key":
            rule["BucketKeyEnabled"] = value
        rules = {"Rules": [rule]}
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration=rules)
    elif attribute == "public_access":
        flags = {theirs: value.get(own, True) if isinstance(value, dict) else value == "blocked" for own, theirs in BLOCKS.items()}
        s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=flags)
    elif attribute == "object_ownership":
        word = "".join(part.capitalize() for part in value.split("-"))
        s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": word}]})
    elif attribute == "secure_transport":
        s3.delete_bucket_policy(Bucket=name)
    elif attribute == "policy":
        s3.put_bucket_policy(Bucket=name, Policy=value)
    elif attribute == "lifecycle":
        rules = {"Rules": [write_rule(rule) for rule in value]}
        s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration=rules)
    elif attribute == "transition_minimum":
        rules = {"Rules": s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]}
        least = "varies_by_storage_class" if value == "by-class" else "all_storage_classes_128K"
        s3.put_bucket_lifecycle_configuration(
            Bucket=name, LifecycleConfiguration=rules, TransitionDefaultMinimumObjectSize=least
        )
    elif attribute == "customer_keys":
        rules = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
        rules[0]["BlockedEncryptionTypes"] = {"EncryptionType": ["SSE-C" if value == "blocked" else "NONE"]}
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})
    elif attribute == "inventory":
        for one in s3.list_bucket_inventory_configurations(Bucket=name)["InventoryConfigurationList"]:
            changed = {**one, "IsEnabled": not one["IsEnabled"]}
            s3.put_bucket_inventory_configuration(Bucket=name, Id=one["Id"], InventoryConfiguration=changed)
    elif attribute == "intelligent_tiering":
        tiers = [{"Days": 700, "AccessTier": "DEEP_ARCHIVE_ACCESS"}]
        one = {"Id": "theirs", "Status": "Enabled", "Tierings": tiers}
        s3.put_bucket_intelligent_tiering_configuration(Bucket=name, Id="theirs", IntelligentTieringConfiguration=one)
    elif attribute in ("replication", "replication_rules"):
        s3.delete_bucket_replication(Bucket=name)
    elif attribute == "logging":
        s3.put_bucket_logging(Bucket=name, BucketLoggingStatus={})
    elif attribute == "acl":
        s3.put_bucket_acl(Bucket=name, ACL=value if isinstance(value, str) else "private")
    elif attribute == "cors":
        rules = [{"AllowedOrigins": one["origins"], "AllowedMethods": one["methods"]} for one in value]
        s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": rules})
    elif attribute == "notifications":
        s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={})
    elif attribute == "website":
        s3.put_bucket_website(Bucket=name, WebsiteConfiguration={"IndexDocument": {"Suffix": "other.html"}})
    elif attribute == "object_lock":
        kept = {"Mode": value["mode"].upper(), "Days": value["days"]} if isinstance(value, dict) else None
        rule = {"Rule": {"DefaultRetention": kept}} if kept else {}
        s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", **rule})
    else:
        return False
    return True


def meddle_queue(request, name, attribute, value):
    sqs, url = client(request, "sqs"), queue_url(request, name)
    if attribute in TAGGED:
        before = describe_queue(request, name)["tags"]
        tags = meddle_tags(before, attribute, value)
        gone = [key for key in before if key not in tags]
        if gone:
            sqs.untag_queue(QueueUrl=url, TagKeys=gone)
        sqs.tag_queue(QueueUrl=url, Tags=tags)
        return True
    raw = {}
    if attribute in QUEUE:
        theirs, _, write = QUEUE[attribute]
        raw[theirs] = str(write(value))
    elif attribute == "encryption":
        raw["SqsManagedSseEnabled"] = "true" if value == "sqs" else "false"
    elif attribute == "kms_key":
        raw["KmsMasterKeyId"] = value
    elif attribute == "dead_letter":
        redrive = json.loads(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]["RedrivePolicy"])
        raw["RedrivePolicy"] = json.dumps({**redrive, "maxReceiveCount": value["max_receives"]})
    elif attribute == "redrive_allow":
        words = {"all": "allowAll", "none": "denyAll"}
        raw["RedriveAllowPolicy"] = json.dumps({"redrivePermission": words[value["from"]]})
    elif attribute == "policy":
        raw["Policy"] = value
    else:
        return False
    sqs.set_queue_attributes(QueueUrl=url, Attributes=raw)
    return True


def meddle_role(request, name, attribute, value):
    iam = client(request, "iam")
    if attribute in TAGGED:
        before = describe_role(request, name)["tags"]
        tags = meddle_tags(before, attribute, value)
        gone = [key for key in before if key not in tags]
        if gone:
            iam.untag_role(RoleName=name, TagKeys=gone)
        iam.tag_role(RoleName=name, Tags=[{"Key": k, "Value": v} for k, v in tags.items()])
    elif attribute == "description":
        iam.update_role(RoleName=name, Description=value)
    elif attribute == "max_session":
        iam.update_role(RoleName=name, MaxSessionDuration=seconds(value))
    elif attribute == "permissions_boundary":
        iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=value)
    elif attribute == "trust_policy":
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=value)
    elif attribute == "trust":
        one = {"Effect": "Allow", "Principal": {"Service": value["service"]}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [one]})
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=document)
    elif attribute == "policy":
        iam.put_role_policy(RoleName=name, PolicyName="atlas", PolicyDocument=value)
    elif attribute == "inline_policies":
        for one in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            if one != "atlas":
                iam.delete_role_policy(RoleName=name, PolicyName=one)
        for one, document in (value or {}).items():
            iam.put_role_policy(RoleName=name, PolicyName=one, PolicyDocument=document)
    elif attribute in ("allow", "deny"):
        document = json.dumps(joined(**{"allow": None, "deny": None, attribute: value}))
        iam.put_role_policy(RoleName=name, PolicyName="atlas", PolicyDocument=document)
    elif attribute == "policies":
        for one in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            iam.detach_role_policy(RoleName=name, PolicyArn=one["PolicyArn"])
    else:
        return False
    return True


def meddle_instance_profile(request, name, attribute, value):
    iam = client(request, "iam")
    before = describe_instance_profile(request, name)
    if attribute in TAGGED:
        tags = meddle_tags(before["tags"], attribute, value)
        gone = [key for key in before["tags"] if key not in tags]
        if gone:
            iam.untag_instance_profile(InstanceProfileName=name, TagKeys=gone)
        tags = [{"Key": k, "Value": v} for k, v in tags.items()]
        iam.tag_instance_profile(InstanceProfileName=name, Tags=tags)
    elif attribute == "role":
        iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=before["role"])
    else:
        return False
    return True


def meddle_oidc_provider(request, name, attribute, value):
    iam, by = client(request, "iam"), {"OpenIDConnectProviderArn": f"arn:aws:iam::{account(request)}:oidc-provider/{name}"}
    if attribute in TAGGED:
        before = describe_oidc_provider(request, name)["tags"]
        tags = meddle_tags(before, attribute, value)
        gone = [key for key in before if key not in tags]
        if gone:
            iam.untag_open_id_connect_provider(**by, TagKeys=gone)
        iam.tag_open_id_connect_provider(**by, Tags=[{"Key": k, "Value": v} for k, v in tags.items()])
    elif attribute == "thumbprints":
        iam.update_open_id_connect_provider_thumbprint(**by, ThumbprintList=value)
    elif attribute == "client_ids":
        for one in value:
            iam.add_client_id_to_open_id_connect_provider(**by, ClientID=one)
    else:
        return False
    return True


def meddle_rights(request, sort, name, attribute, value):
    """Changes the path or the policies of a user or a group."""
    iam, by = client(request, "iam"), {f"{sort.capitalize()}Name": name}
    call = lambda operation, **arguments: getattr(iam, operation)(**by, **arguments)
    if attribute == "path":
        call(f"update_{sort}", NewPath=value)
    elif attribute == "policy":
        call(f"put_{sort}_policy", PolicyName="atlas", PolicyDocument=value)
    elif attribute == "inline_policies":
        for one in call(f"list_{sort}_policies")["PolicyNames"]:
            if one not in ("atlas", "atlas-mark"):
                call(f"delete_{sort}_policy", PolicyName=one)
        for one, document in (value or {}).items():
            call(f"put_{sort}_policy", PolicyName=one, PolicyDocument=document)
    elif attribute in ("allow", "deny"):
        document = json.dumps(joined(**{"allow": None, "deny": None, attribute: value}))
        call(f"put_{sort}_policy", PolicyName="atlas", PolicyDocument=document)
    elif attribute == "policies":
        for one in call(f"list_attached_{sort}_policies")["AttachedPolicies"]:
            call(f"detach_{sort}_policy", PolicyArn=one["PolicyArn"])
    else:
        return False
    return True


def meddle_group(request, name, attribute, value):
    return meddle_rights(request, "group", name, attribute, value)


def meddle_user(request, name, attribute, value):
    iam = client(request, "iam")
    if attribute in TAGGED:
        before = describe_user(request, name)["tags"]
        tags = meddle_tags(before, attribute, value)
        gone = [key for key in before if key not in tags]
        if gone:
            iam.untag_user(UserName=name, TagKeys=gone)
        iam.tag_user(UserName=name, Tags=[{"Key": k, "Value": v} for k, v in tags.items()])
    elif attribute == "permissions_boundary":
        iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary=value)
    elif attribute == "groups":
        for one in iam.list_groups_for_user(UserName=name)["Groups"]:
            iam.remove_user_from_group(UserName=name, GroupName=one["GroupName"])
    else:
        return meddle_rights(request, "user", name, attribute, value)
    return True


def meddle_policy(request, name, attribute, value):
    iam, arn = client(request, "iam"), policy_arn(request, name)
    if attribute in TAGGED:
        before = describe_policy(request, name)["tags"]
        tags = meddle_tags(before, attribute, value)
        gone = [key for key in before if key not in tags]
        if gone:
            iam.untag_policy(PolicyArn=arn, TagKeys=gone)
        iam.tag_policy(PolicyArn=arn, Tags=[{"Key": k, "Value": v} for k, v in tags.items()])
        return True
    if attribute == "document":
        document = value
    elif attribute in ("allow", "deny"):
        kept = describe_policy(request, name)
        parts = {"allow": kept.get("allow"), "deny": kept.get("deny"), attribute: value}
        document = json.dumps(joined(**parts))
    else:
        return False
    old = [one for one in iam.list_policy_versions(PolicyArn=arn)["Versions"] if not one["IsDefaultVersion"]]
    if len(old) == 4:
        iam.delete_policy_version(PolicyArn=arn, VersionId=old[-1]["VersionId"])
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)
    return True


TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
GRANT = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}


def make(request, kind, name):
    """Makes an object without a mark."""
    if kind == "bucket":
        place = {"CreateBucketConfiguration": {"LocationConstraint": request["region"]}}
        client(request, "s3").create_bucket(Bucket=name, **({} if request["region"] == "us-east-1" else place))
    elif kind == "queue":
        client(request, "sqs").create_queue(QueueName=name)
    elif kind == "role":
        client(request, "iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    elif kind == "instance_profile":
        client(request, "iam").create_instance_profile(InstanceProfileName=name)
    elif kind == "oidc_provider":
        client(request, "iam").create_open_id_connect_provider(Url=f"https://{name}")
    elif kind in ("user", "group"):
        getattr(client(request, "iam"), f"create_{kind}")(**{f"{kind.capitalize()}Name": name})
    else:
        client(request, "iam").create_policy(PolicyName=name, PolicyDocument=json.dumps(GRANT))
    return True


def unmake(request, kind, name):
    """Deletes an object without Atlas."""
    if kind == "bucket":
        client(request, "s3").delete_bucket(Bucket=name)
    elif kind == "queue":
        client(request, "sqs").delete_queue(QueueUrl=queue_url(request, name))
    elif kind == "role":
        iam = client(request, "iam")
        for one in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=one)
        for one in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            iam.detach_role_policy(RoleName=name, PolicyArn=one["PolicyArn"])
        iam.delete_role(RoleName=name)
    elif kind == "instance_profile":
        iam = client(request, "iam")
        for role in iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"]:
            iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=role["RoleName"])
        iam.delete_instance_profile(InstanceProfileName=name)
    elif kind == "oidc_provider":
        arn = f"arn:aws:iam::{account(request)}:oidc-provider/{name}"
        client(request, "iam").delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    elif kind in ("user", "group"):
        iam, by = client(request, "iam"), {f"{kind.capitalize()}Name": name}
        for one in getattr(iam, f"list_{kind}_policies")(**by)["PolicyNames"]:
            getattr(iam, f"delete_{kind}_policy")(**by, PolicyName=one)
        for one in getattr(iam, f"list_attached_{kind}_policies")(**by)["AttachedPolicies"]:
            getattr(iam, f"detach_{kind}_policy")(**by, PolicyArn=one["PolicyArn"])
        for one in iam.list_groups_for_user(**by)["Groups"] if kind == "user" else []:
            iam.remove_user_from_group(**by, GroupName=one["GroupName"])
        getattr(iam, f"delete_{kind}")(**by)
    else:
        client(request, "iam").delete_policy(PolicyArn=policy_arn(request, name))
    return True


def without_keys(request, name):
    """Deletes the access keys of a user."""
    iam = client(request, "iam")
    for one in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=one["AccessKeyId"])
    return True


def put(request, bucket, key, body):
    client(request, "s3").put_object(Bucket=bucket, Key=key, Body=body.encode())
    return True


def keys(request, bucket, prefix):
    """The keys of a bucket that begin with a prefix, each with its size."""
    found = client(request, "s3").list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    return [[one["Key"], one["Size"]] for one in found]


def clear_bucket(request, name):
    """Deletes a bucket with every version in it."""
    s3 = client(request, "s3")
    page = s3.list_object_versions(Bucket=name)
    for one in page.get("Versions", []) + page.get("DeleteMarkers", []):
        s3.delete_object(Bucket=name, Key=one["Key"], VersionId=one["VersionId"])
    attempt(lambda: s3.delete_bucket(Bucket=name), "NoSuchBucket")  # of an answer that was lost on its way
    return True


def count(request, prefix):
    """The names of buckets and queues that begin with a prefix, each as often as it is there."""
    buckets = [one["Name"] for one in client(request, "s3").list_buckets()["Buckets"]]
    queues = []
    for page in client(request, "sqs").get_paginator("list_queues").paginate(QueueNamePrefix=prefix):
        queues += [url.rsplit("/", 1)[-1] for url in page.get("QueueUrls", [])]
    return sorted(name for name in buckets + queues if name.startswith(prefix))


def race(request, calls, threads):
    """Makes calls with some threads, each object's one after the other, and says how long that took."""
    import time
    from concurrent.futures import ThreadPoolExecutor

    def run(one):
        for service, operation, arguments in one:
            attempt(lambda: getattr(client(request, service), operation)(**arguments), "NoSuchTagSet", "NoSuchBucket", "NoSuchBucketPolicy", "NonExistentQueue", "QueueDoesNotExist")

    for service in {call[0] for one in calls for call in one}:
        client(request, service)
    begun = time.monotonic()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run, calls))
    return time.monotonic() - begun


def call(request, service, operation, arguments):
    """Makes one call and gives its answer."""
    answer = getattr(client(request, service), operation)(**arguments)
    return json.loads(json.dumps({key: value for key, value in answer.items() if key != "ResponseMetadata"}, default=str))


def clear(request, prefix):
    """Deletes the buckets and queues whose names begin with a prefix."""
    for bucket in client(request, "s3").list_buckets()["Buckets"]:
        if bucket["Name"].startswith(prefix):
            client(request, "s3").delete_bucket(Bucket=bucket["Name"])
    for page in client(request, "sqs").get_paginator("list_queues").paginate(QueueNamePrefix=prefix):
        for url in page.get("QueueUrls", []):
            client(request, "sqs").delete_queue(QueueUrl=url)
    return True


def read_document(request, kind, name, attribute):
    """What a service says of one of an object's documents, as it says it."""
    answer = documents.read(lambda service: client(request, service), kind, name, attribute)
    return json.loads(json.dumps(answer, default=str))


def copy_document(request, kind, attribute, source, target):
    """Gives an object the document of another one."""
    clients = lambda service: client(request, service)
    documents.write(clients, kind, target, attribute, documents.read(clients, kind, source, attribute))
    return True


def change_document(request, kind, name, attribute, at):
    """Puts one of the changes of an object's document in its place: its words, and whether it was refused or forgotten."""
    return documents.change(lambda service: client(request, service), kind, name, attribute, at)


def handle(request):
    op, arguments = request["op"], request.get("arguments", [])
    if op == "describe":
        kind, name = arguments
        return globals()[f"describe_{kind}"](request, name)
    if op == "meddle":
        kind, name, attribute, value = arguments
        return globals()[f"meddle_{kind}"](request, name, attribute, value)
    return globals()[op](request, *arguments)


for line in sys.stdin:
    try:
        answer = {"ok": handle(json.loads(line))}
    except Exception as error:  # Whatever goes wrong is the test's to judge.
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
