"""The steps of src/smoke/SERVICE.rs in Python, one function per service, for smoke_boto3.py.

The same calls in the same order, and the same comparisons. Whoever changes one side changes the other:
tests/bench/smoke compares what both recorded. Calls go through a `Run` as there: step, until, refused, fetch, undo.
"""

import json
import time
from datetime import datetime, timedelta, timezone
from io import BytesIO
from zipfile import ZipFile

# An address set aside for documentation (RFC 5737).
ADDRESS = "192.0.2.42"
# Emulators ask for a role and do not look at it.
ROLE = "arn:aws:iam::000000000000:role/lsdeploy-smoke"


def first(items):
    return next(iter(items or []), None)


def acm(run):
    client = run.client()
    domain = f"{run.name}.test"
    second = f"www.{domain}"
    tags = [{"Key": "colour", "Value": "blue"}]
    arn = run.step(
        client.request_certificate,
        DomainName=domain,
        SubjectAlternativeNames=[second],
        Tags=tags,
        ValidationMethod="DNS",
    )["CertificateArn"]
    run.undo(client.delete_certificate, CertificateArn=arn)
    certificate = run.step(client.describe_certificate, CertificateArn=arn)["Certificate"]
    run.expect("domain", domain, certificate["DomainName"])
    run.expect("second name", True, second in certificate["SubjectAlternativeNames"])
    run.expect("status", True, certificate["Status"] in ["PENDING_VALIDATION", "ISSUED"])
    proof = first(option for option in certificate["DomainValidationOptions"] if option["DomainName"] == domain)
    run.expect("record", True, proof["ResourceRecord"]["Name"].rstrip(".").endswith(domain))
    run.expect("tags", tags, run.step(client.list_tags_for_certificate, CertificateArn=arn)["Tags"])


def apigateway(run):
    client = run.client()
    api = run.step(client.create_rest_api, name=run.name)["id"]
    run.undo(client.delete_rest_api, restApiId=api)
    resources = run.step(client.get_resources, restApiId=api)["items"]
    root = first(resource["id"] for resource in resources if resource["path"] == "/")
    hello = run.step(client.create_resource, restApiId=api, parentId=root, pathPart="hello")["id"]
    method = {"restApiId": api, "resourceId": hello, "httpMethod": "GET"}
    run.step(client.put_method, **method, authorizationType="NONE")
    run.step(client.put_method_response, **method, statusCode="200")
    mock = {"type": "MOCK", "requestTemplates": {"application/json": '{"statusCode": 200}'}}
    run.step(client.put_integration, **method, **mock)
    templates = {"application/json": f'{{"hello": "{run.name}"}}'}
    run.step(client.put_integration_response, **method, statusCode="200", responseTemplates=templates)
    read = run.step(client.get_integration, **method)
    run.expect("response template", templates, read["integrationResponses"]["200"]["responseTemplates"])
    run.step(client.create_deployment, restApiId=api, stageName="smoke")
    answer = run.fetch("invoke", f"{run.clients.url}/restapis/{api}/smoke/_user_request_/hello")
    run.expect("answer of the API", templates["application/json"], answer.strip())


def create_stack(run, client, template):
    run.step(client.create_stack, StackName=run.name, TemplateBody=template, Capabilities=["CAPABILITY_IAM"])
    run.undo(client.delete_stack, StackName=run.name)
    settled = lambda got: first(s for s in got["Stacks"] if s["StackStatus"] != "CREATE_IN_PROGRESS")
    stack = run.until(settled, client.describe_stacks, StackName=run.name)
    run.expect("stack status", "CREATE_COMPLETE", stack["StackStatus"])
    return stack["Outputs"][0]["OutputValue"]


def cloudformation(run):
    client = run.client()
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": run.name}}
    outputs = {"Arn": {"Value": {"Fn::GetAtt": ["Jobs", "Arn"]}}}
    arn = create_stack(run, client, json.dumps({"Resources": {"Jobs": queue}, "Outputs": outputs}))
    run.expect("queue in the outputs", run.name, arn.rsplit(":", 1)[1])
    listed = run.step(client.list_stack_resources, StackName=run.name)["StackResourceSummaries"]
    resources = [(found["LogicalResourceId"], found["ResourceType"]) for found in listed]
    run.expect("resources", [("Jobs", "AWS::SQS::Queue")], resources)
    sqs = run.client("sqs")
    url = run.step(sqs.get_queue_url, QueueName=run.name)["QueueUrl"]
    text = f"hello from {run.name}"
    run.step(sqs.send_message, QueueUrl=url, MessageBody=text)
    run.expect("message", text, receive(run, sqs, url)["Body"])


def cloudwatch(run):
    client = run.client()
    now = datetime.now(timezone.utc)
    datum = {"MetricName": "jobs", "Value": 42.0, "Unit": "Count", "Timestamp": now}
    run.step(client.put_metric_data, Namespace=run.name, MetricData=[datum])
    metric = run.until(lambda got: first(got["Metrics"]), client.list_metrics, Namespace=run.name)
    run.expect("metric", "jobs", metric["MetricName"])
    highest = run.until(
        lambda got: first(point["Maximum"] for point in got["Datapoints"]),
        client.get_metric_statistics,
        Namespace=run.name,
        MetricName="jobs",
        StartTime=now - timedelta(minutes=30),
        EndTime=now + timedelta(minutes=30),
        Period=60,
        Statistics=["Maximum"],
        Unit="Count",
    )
    run.expect("highest value", 42.0, highest)
    run.step(
        client.put_metric_alarm,
        AlarmName=run.name,
        Namespace=run.name,
        MetricName="jobs",
        ComparisonOperator="GreaterThanThreshold",
        Threshold=40.0,
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
    )
    run.undo(client.delete_alarms, AlarmNames=[run.name])
    alarms = run.step(client.describe_alarms, AlarmNames=[run.name])["MetricAlarms"]
    run.expect("threshold", [40.0], [alarm["Threshold"] for alarm in alarms])


def config(run):
    client = run.client()
    source = {"Owner": "AWS", "SourceIdentifier": "S3_BUCKET_VERSIONING_ENABLED"}
    scope = {"ComplianceResourceTypes": ["AWS::S3::Bucket"]}
    run.step(client.put_config_rule, ConfigRule={"ConfigRuleName": run.name, "Source": source, "Scope": scope})
    run.undo(client.delete_config_rule, ConfigRuleName=run.name)
    rule = run.step(client.describe_config_rules, ConfigRuleNames=[run.name])["ConfigRules"][0]
    run.expect("source", source["SourceIdentifier"], rule["Source"]["SourceIdentifier"])
    run.expect("watched types", scope["ComplianceResourceTypes"], rule["Scope"]["ComplianceResourceTypes"])


def create_table(run, client, **stream):
    run.step(client.list_tables, Limit=1)
    run.step(
        client.create_table,
        TableName=run.name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        **stream,
    )
    run.undo(client.delete_table, TableName=run.name)
    active = lambda got: got["Table"] if got["Table"]["TableStatus"] == "ACTIVE" else None
    return run.until(active, client.describe_table, TableName=run.name)


def item(run, value):
    return {"id": {"S": run.name}, "value": {"S": value}}


def dynamodb(run):
    client = run.client()
    create_table(run, client)
    key = {"S": run.name}
    run.step(client.put_item, TableName=run.name, Item=item(run, "written"))
    found = run.step(
        client.query,
        TableName=run.name,
        KeyConditionExpression="id = :id",
        ConsistentRead=True,
        ExpressionAttributeValues={":id": key},
    )
    run.expect("queried items", [{"S": "written"}], [found["value"] for found in found["Items"]])
    run.refused(
        "put_item_if_absent",
        "ConditionalCheckFailedException",
        client.put_item,
        TableName=run.name,
        Item=item(run, "overwritten"),
        ConditionExpression="attribute_not_exists(id)",
    )
    kept = run.step(client.get_item, TableName=run.name, Key={"id": key}, ConsistentRead=True)
    run.expect("item after the refused write", {"S": "written"}, kept["Item"]["value"])


def dynamodbstreams(run):
    client, tables = run.client(), run.client("dynamodb")
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    arn = create_table(run, tables, StreamSpecification=stream)["LatestStreamArn"]
    listed = run.step(client.list_streams, TableName=run.name)["Streams"]
    run.expect("streams of the table", [arn], [stream["StreamArn"] for stream in listed])

    def shard_of(got):
        enabled = got["StreamDescription"]["StreamStatus"] == "ENABLED"
        return first(shard["ShardId"] for shard in got["StreamDescription"]["Shards"]) if enabled else None

    shard = run.until(shard_of, client.describe_stream, StreamArn=arn)
    run.step(tables.put_item, TableName=run.name, Item=item(run, "streamed"))
    iterator = run.step(
        client.get_shard_iterator, StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    record = run.until(lambda got: first(got["Records"]), client.get_records, ShardIterator=iterator)
    run.expect("new image", {"S": "streamed"}, record["dynamodb"]["NewImage"]["value"])


def create_vpc(run, client):
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": run.name}]}]
    vpc = run.step(client.create_vpc, CidrBlock="10.42.0.0/16", TagSpecifications=tags)["Vpc"]["VpcId"]
    run.undo(client.delete_vpc, VpcId=vpc)
    return vpc


def ec2(run):
    client = run.client()
    vpc = create_vpc(run, client)
    found = run.step(client.describe_vpcs, Filters=[{"Name": "tag:Name", "Values": [run.name]}])["Vpcs"]
    run.expect("networks", [(vpc, "10.42.0.0/16")], [(found["VpcId"], found["CidrBlock"]) for found in found])
    subnet = run.step(client.create_subnet, VpcId=vpc, CidrBlock="10.42.1.0/24")["Subnet"]["SubnetId"]
    run.undo(client.delete_subnet, SubnetId=subnet)
    found = run.step(client.describe_subnets, Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    run.expect("subnets of the network", ["10.42.1.0/24"], [subnet["CidrBlock"] for subnet in found])
    group = run.step(client.create_security_group, GroupName=run.name, Description="smoke test", VpcId=vpc)["GroupId"]
    run.undo(client.delete_security_group, GroupId=group)
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.42.0.0/16"}]}
    run.step(client.authorize_security_group_ingress, GroupId=group, IpPermissions=[https])
    found = run.step(client.describe_security_groups, GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]
    run.expect("open ports", [(443, 443)], [(rule["FromPort"], rule["ToPort"]) for rule in found])


def search_domain(run, client, name, version, create, describe, delete, version_key):
    """What es and opensearch have in common; the operations have different names in boto3."""
    listed = lambda got: name in [domain["DomainName"] for domain in got["DomainNames"]]
    run.expect("domain before it exists", False, listed(run.step(client.list_domain_names)))
    run.named("create_domain", create, DomainName=name, **{version_key: version})
    run.undos.append(("delete_domain", delete, {"DomainName": name}))
    domain = run.named("describe_domain", describe, DomainName=name)["DomainStatus"]
    run.expect("domain", name, domain["DomainName"])
    run.expect("version", version, domain[version_key])
    run.expect("domain in list_domain_names", True, listed(run.step(client.list_domain_names)))


def es(run):
    es = run.client()
    calls = es.create_elasticsearch_domain, es.describe_elasticsearch_domain, es.delete_elasticsearch_domain
    search_domain(run, es, run.name, "7.10", *calls, "ElasticsearchVersion")


def opensearch(run):
    client = run.client()
    calls = client.create_domain, client.describe_domain, client.delete_domain
    search_domain(run, client, run.name_ending("os"), "OpenSearch_2.11", *calls, "EngineVersion")


def create_queue(run, sqs):
    url = run.step(sqs.create_queue, QueueName=run.name)["QueueUrl"]
    run.undo(sqs.delete_queue, QueueUrl=url)
    return url


def queue_arn(run, sqs, url):
    return run.step(sqs.get_queue_attributes, QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def receive(run, sqs, url, **more):
    pick = lambda got: first(got.get("Messages"))
    return run.until(pick, sqs.receive_message, QueueUrl=url, WaitTimeSeconds=2, **more)


def events(run):
    client, sqs = run.client(), run.client("sqs")
    url = create_queue(run, sqs)
    queue = queue_arn(run, sqs, url)
    run.step(client.put_rule, Name=run.name, EventPattern=json.dumps({"source": [run.name]}))
    run.undo(client.delete_rule, Name=run.name)
    put = run.step(client.put_targets, Rule=run.name, Targets=[{"Id": "queue", "Arn": queue}])
    run.undo(client.remove_targets, Rule=run.name, Ids=["queue"])
    run.expect("refused targets", 0, put["FailedEntryCount"])
    listed = run.step(client.list_targets_by_rule, Rule=run.name)["Targets"]
    run.expect("targets", [queue], [target["Arn"] for target in listed])
    detail = {"hello": run.name}
    event = {"Source": run.name, "DetailType": "greeting", "Detail": json.dumps(detail)}
    run.expect("refused events", 0, run.step(client.put_events, Entries=[event])["FailedEntryCount"])
    event = json.loads(receive(run, sqs, url)["Body"])
    run.expect("event", (run.name, detail), (event["source"], event["detail"]))


def create_bucket(run, s3):
    run.step(s3.create_bucket, Bucket=run.name)
    run.undo(s3.delete_bucket, Bucket=run.name)

    def delete_objects():
        for found in s3.list_objects_v2(Bucket=run.name).get("Contents", []):
            s3.delete_object(Bucket=run.name, Key=found["Key"])

    run.undo(delete_objects)


def firehose(run):
    client, s3 = run.client(), run.client("s3")
    create_bucket(run, s3)
    place = {
        "RoleARN": ROLE,
        "BucketARN": f"arn:aws:s3:::{run.name}",
        "BufferingHints": {"IntervalInSeconds": 0, "SizeInMBs": 1},
        "CompressionFormat": "UNCOMPRESSED",
        "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
    }
    run.step(client.create_delivery_stream, DeliveryStreamName=run.name, ExtendedS3DestinationConfiguration=place)
    run.undo(client.delete_delivery_stream, DeliveryStreamName=run.name)

    def active(got):
        stream = got["DeliveryStreamDescription"]
        return stream if stream["DeliveryStreamStatus"] == "ACTIVE" else None

    stream = run.until(active, client.describe_delivery_stream, DeliveryStreamName=run.name)
    run.expect("destinations", 1, len(stream["Destinations"]))
    text = f"hello from {run.name}\n"
    run.step(client.put_record, DeliveryStreamName=run.name, Record={"Data": text.encode()})
    delivered = lambda got: first(found["Key"] for found in got.get("Contents", []))
    key = run.until(delivered, s3.list_objects_v2, Bucket=run.name)
    got = run.step(s3.get_object, Bucket=run.name, Key=key)["Body"].read()
    run.expect("delivered object", text, got.decode())


def trust():
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
    return {"Version": "2012-10-17", "Statement": [statement]}


def create_role(run, client):
    role = run.step(client.create_role, RoleName=run.name, AssumeRolePolicyDocument=json.dumps(trust()))["Role"]["Arn"]
    run.undo(client.delete_role, RoleName=run.name)
    return role


def iam(run):
    client = run.client()
    role = create_role(run, client)
    read = run.step(client.get_role, RoleName=run.name)["Role"]
    run.expect("role", (role, trust()), (read["Arn"], read["AssumeRolePolicyDocument"]))
    statement = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
    wanted = {"Version": "2012-10-17", "Statement": [statement]}
    created = run.step(client.create_policy, PolicyName=run.name, PolicyDocument=json.dumps(wanted))
    policy = created["Policy"]["Arn"]
    run.undo(client.delete_policy, PolicyArn=policy)
    run.step(client.attach_role_policy, RoleName=run.name, PolicyArn=policy)
    run.undo(client.detach_role_policy, RoleName=run.name, PolicyArn=policy)
    attached = run.step(client.list_attached_role_policies, RoleName=run.name)["AttachedPolicies"]
    run.expect("attached policies", [policy], [attached["PolicyArn"] for attached in attached])
    read = run.step(client.get_policy_version, PolicyArn=policy, VersionId="v1")["PolicyVersion"]
    run.expect("policy", wanted, read["Document"])


def kinesis(run):
    client = run.client()
    run.step(client.create_stream, StreamName=run.name, ShardCount=2)
    run.undo(client.delete_stream, StreamName=run.name, EnforceConsumerDeletion=True)

    def active(got):
        summary = got["StreamDescriptionSummary"]
        return summary if summary["StreamStatus"] == "ACTIVE" else None

    summary = run.until(active, client.describe_stream_summary, StreamName=run.name)
    run.expect("open shards", 2, summary["OpenShardCount"])
    run.expect("stream is listed", True, run.name in run.step(client.list_streams, Limit=10_000)["StreamNames"])
    keys = ["0", "170141183460469231731687303715884105728"]
    payloads = {key: f"{run.name} {key}".encode() for key in keys}
    records = [{"Data": payloads[key], "PartitionKey": key, "ExplicitHashKey": key} for key in keys]
    written = run.step(client.put_records, StreamName=run.name, Records=records)
    run.expect("failed records", 0, written["FailedRecordCount"])
    shards = [record["ShardId"] for record in written["Records"]]
    for key, shard in zip(keys, shards):
        place = {"StreamName": run.name, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
        iterator = run.step(client.get_shard_iterator, **place)["ShardIterator"]
        record = run.until(lambda got: first(got["Records"]), client.get_records, ShardIterator=iterator)
        run.expect("record", payloads[key], record["Data"])
    run.expect("records in different shards", 2, len(set(shards)))


def kms(run):
    client = run.client()
    key = run.step(client.create_key, Description=run.name)["KeyMetadata"]
    run.undo(client.schedule_key_deletion, KeyId=key["KeyId"], PendingWindowInDays=7)
    alias = f"alias/{run.name}"
    run.step(client.create_alias, AliasName=alias, TargetKeyId=key["KeyId"])
    run.undo(client.delete_alias, AliasName=alias)
    text = f"hello from {run.name}".encode()
    blue, red = {"colour": "blue"}, {"colour": "red"}
    secret = run.step(client.encrypt, KeyId=alias, Plaintext=text, EncryptionContext=blue)["CiphertextBlob"]
    run.expect("plaintext is hidden", False, text in secret)
    decrypted = run.step(client.decrypt, CiphertextBlob=secret, EncryptionContext=blue)
    run.expect("decrypted text", (text, key["Arn"]), (decrypted["Plaintext"], decrypted["KeyId"]))
    code = "InvalidCiphertextException"
    run.refused("decrypt_in_another_context", code, client.decrypt, CiphertextBlob=secret, EncryptionContext=red)


def lambda_(run):
    client = run.client()
    policy = trust() | {"Statement": [trust()["Statement"][0] | {"Principal": {"Service": "lambda.amazonaws.com"}}]}
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": policy}}
    outputs = {"Arn": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}}}
    template = json.dumps({"Resources": {"Role": role}, "Outputs": outputs})
    role = create_stack(run, run.client("cloudformation"), template)
    archive = BytesIO()
    with ZipFile(archive, "w") as code:
        code.writestr("index.py", "def handler(event, context):\n    return event\n")
    created = run.step(
        client.create_function,
        FunctionName=run.name,
        Runtime="python3.12",
        Role=role,
        Handler="index.handler",
        Code={"ZipFile": archive.getvalue()},
    )
    run.undo(client.delete_function, FunctionName=run.name)
    read = run.step(client.get_function, FunctionName=run.name)["Configuration"]
    run.expect("function", (created["CodeSha256"], "index.handler"), (read["CodeSha256"], read["Handler"]))
    settled = lambda got: got["State"] if got["State"] != "Pending" else None
    state = run.until(settled, client.get_function_configuration, FunctionName=run.name)
    run.expect("state", "Active", state)
    event = f'{{"hello": "{run.name}"}}'.encode()
    answer = run.step(client.invoke, FunctionName=run.name, Payload=event)
    run.expect("function error", None, answer.get("FunctionError"))
    run.expect("returned event", event, answer["Payload"].read())


def logs(run):
    client = run.client()
    stream = {"logGroupName": run.name, "logStreamName": "smoke"}
    run.step(client.create_log_group, logGroupName=run.name)
    run.undo(client.delete_log_group, logGroupName=run.name)
    found = run.step(client.describe_log_groups, logGroupNamePrefix=run.name)["logGroups"]
    run.expect("groups of that name", 1, len(found))
    run.step(client.create_log_stream, **stream)
    now = time.time_ns() // 1_000_000
    texts = [f"first of {run.name}", f"second of {run.name}"]
    written = [{"timestamp": now + place, "message": text} for place, text in enumerate(texts)]
    rejected = run.step(client.put_log_events, **stream, logEvents=written).get("rejectedLogEventsInfo")
    run.expect("rejected events", None, rejected)
    both = lambda got: got["events"] if len(got["events"]) >= len(texts) else None
    read = run.until(both, client.get_log_events, **stream, startFromHead=True)
    run.expect("events", texts, [event["message"] for event in read])


def redshift(run):
    client = run.client()
    run.step(
        client.create_cluster,
        ClusterIdentifier=run.name,
        ClusterType="single-node",
        NodeType="ra3.large",
        DBName="smoke",
        MasterUsername="smoke",
        MasterUserPassword="Smoke-Test-1",
    )
    run.undo(client.delete_cluster, ClusterIdentifier=run.name, SkipFinalClusterSnapshot=True)
    available = lambda got: first(c for c in got["Clusters"] if c["ClusterStatus"] == "available")
    cluster = run.until(available, client.describe_clusters, ClusterIdentifier=run.name)
    found = cluster["ClusterIdentifier"], cluster["DBName"], cluster["NodeType"]
    run.expect("cluster", (run.name, "smoke", "ra3.large"), found)


def resource_groups(run):
    client = run.client()

    def filters(colour):
        tags = [{"Key": "colour", "Values": [colour]}]
        return {"ResourceTypeFilters": ["AWS::AllSupported"], "TagFilters": tags}

    by_tag = lambda colour: {"Type": "TAG_FILTERS_1_0", "Query": json.dumps(filters(colour))}

    def expect_query(colour):
        query = run.step(client.get_group_query, Group=group)["GroupQuery"]["ResourceQuery"]["Query"]
        run.expect("query", filters(colour), json.loads(query))

    created = run.step(client.create_group, Name=run.name, Tags={"colour": "blue"}, ResourceQuery=by_tag("first"))
    run.undo(client.delete_group, Group=run.name)
    group = created["Group"]["GroupArn"]
    run.expect("tag", "blue", run.step(client.get_tags, Arn=group)["Tags"]["colour"])
    expect_query("first")
    run.step(client.update_group_query, Group=group, ResourceQuery=by_tag("second"))
    expect_query("second")
    names = [found["GroupName"] for found in run.step(client.list_groups)["GroupIdentifiers"]]
    run.expect("group is listed", True, run.name in names)


def create_secret(run, client, value, **tags):
    arn = run.step(client.create_secret, Name=run.name, SecretString=value, **tags)["ARN"]
    run.undo(client.delete_secret, SecretId=run.name, ForceDeleteWithoutRecovery=True)
    return arn


def resourcegroupstaggingapi(run):
    client = run.client()
    tags = [{"Key": "run", "Value": run.name}]
    secret = create_secret(run, run.client("secretsmanager"), "tagged", Tags=tags)
    tagged = lambda value: {"TagFilters": [{"Key": "run", "Values": [value]}]}
    mappings = lambda got: got["ResourceTagMappingList"] or None
    found = run.until(mappings, client.get_resources, **tagged(run.name))
    run.expect("resources with the tag", [(secret, tags)], [(found["ResourceARN"], found["Tags"]) for found in found])
    none = run.step(client.get_resources, **tagged(f"{run.name}-other"))
    run.expect("resources with another tag", None, mappings(none))


def route53(run):
    client = run.client()
    zone_name = f"{run.name}.test."
    zone = run.step(client.create_hosted_zone, Name=zone_name, CallerReference=run.name)["HostedZone"]
    id = zone["Id"].removeprefix("/hostedzone/")
    run.undo(client.delete_hosted_zone, Id=id)
    run.expect("zone", zone_name, zone["Name"])
    name = f"www.{zone_name}"
    record = {"Name": name, "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": ADDRESS}]}
    change = lambda action: {
        "HostedZoneId": id,
        "ChangeBatch": {"Changes": [{"Action": action, "ResourceRecordSet": record}]},
    }
    run.step(client.change_resource_record_sets, **change("CREATE"))
    run.undo(client.change_resource_record_sets, **change("DELETE"))
    listed = run.step(client.list_resource_record_sets, HostedZoneId=id)["ResourceRecordSets"]
    found = first(found for found in listed if (found["Name"], found["Type"]) == (name, "A"))
    run.expect("addresses", [{"Value": ADDRESS}], found["ResourceRecords"])


def route53resolver(run):
    client = run.client()
    vpc = create_vpc(run, run.client("ec2"))
    domain = f"{run.name}.test"
    rule = run.step(
        client.create_resolver_rule,
        CreatorRequestId=run.name,
        Name=run.name,
        DomainName=domain,
        RuleType="FORWARD",
        TargetIps=[{"Ip": ADDRESS, "Port": 53}],
    )["ResolverRule"]["Id"]
    run.undo(client.delete_resolver_rule, ResolverRuleId=rule)
    read = run.step(client.get_resolver_rule, ResolverRuleId=rule)["ResolverRule"]
    run.expect("domain", domain, read["DomainName"].rstrip("."))
    run.expect("targets", [(ADDRESS, 53)], [(target["Ip"], target["Port"]) for target in read["TargetIps"]])
    run.step(client.associate_resolver_rule, ResolverRuleId=rule, VPCId=vpc, Name=run.name)
    run.undo(client.disassociate_resolver_rule, ResolverRuleId=rule, VPCId=vpc)
    of_rule = [{"Name": "ResolverRuleId", "Values": [rule]}]
    found = run.step(client.list_resolver_rule_associations, Filters=of_rule)["ResolverRuleAssociations"]
    run.expect("networks of the rule", [vpc], [found["VPCId"] for found in found])


def s3(run):
    client = run.client()
    bucket = run.name
    create_bucket(run, client)
    text = f"hello from {bucket}".encode()
    kind = {"ContentType": "text/plain", "Metadata": {"colour": "blue"}}
    run.step(client.put_object, Bucket=bucket, Key="one", Body=text, **kind)
    got = run.step(client.get_object, Bucket=bucket, Key="one")
    run.expect("metadata", kind, {key: got[key] for key in kind})
    run.expect("object", text, got["Body"].read())

    upload = {"Bucket": bucket, "Key": "parts"}
    upload["UploadId"] = run.step(client.create_multipart_upload, **upload)["UploadId"]
    part = {"PartNumber": 1, "ETag": run.step(client.upload_part, **upload, PartNumber=1, Body=text)["ETag"]}
    run.step(client.complete_multipart_upload, **upload, MultipartUpload={"Parts": [part]})
    got = run.step(client.get_object, Bucket=bucket, Key="parts")
    run.expect("object of parts", text, got["Body"].read())

    listed = run.step(client.list_objects_v2, Bucket=bucket)["Contents"]
    run.expect("keys", ["one", "parts"], [found["Key"] for found in listed])
    link = client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "one"}, ExpiresIn=60)
    run.expect("object behind the presigned URL", text.decode(), run.fetch("get_presigned_url", link))


def account(run, sts):
    identity = run.step(sts.get_caller_identity)
    run.expect("account in the ARN", identity["Account"], identity["Arn"].split(":")[4])
    return identity["Account"]


def s3control(run):
    client = run.client()
    owner = {"AccountId": account(run, run.client("sts"))}

    def get_public_access_block():
        try:
            return client.get_public_access_block(**owner)["PublicAccessBlockConfiguration"]
        except client.exceptions.NoSuchPublicAccessBlockConfiguration:
            return None

    ours = {
        "IgnorePublicAcls": True,
        "BlockPublicAcls": False,
        "BlockPublicPolicy": False,
        "RestrictPublicBuckets": False,
    }
    before = run.step(get_public_access_block)
    run.step(client.put_public_access_block, **owner, PublicAccessBlockConfiguration=ours)
    if before and before != ours:
        run.undo(client.put_public_access_block, **owner, PublicAccessBlockConfiguration=before)
    else:
        run.undo(client.delete_public_access_block, **owner)
    run.expect("blocked access", ours, run.step(get_public_access_block))


def scheduler(run):
    client = run.client()
    run.step(client.create_schedule_group, Name=run.name)
    run.undo(client.delete_schedule_group, Name=run.name)
    schedule = {"Name": run.name, "GroupName": run.name}
    text = f'{{"hello": "{run.name}"}}'
    target = {"Arn": "arn:aws:sqs:us-east-1:000000000000:lsdeploy-smoke", "RoleArn": ROLE, "Input": text}
    hourly = {"ScheduleExpression": "rate(1 hour)", "Target": target, "FlexibleTimeWindow": {"Mode": "OFF"}}
    run.step(client.create_schedule, **schedule, **hourly)
    run.undo(client.delete_schedule, **schedule)
    read = run.step(client.get_schedule, **schedule)
    run.expect("schedule", ("rate(1 hour)", text), (read["ScheduleExpression"], read["Target"]["Input"]))
    run.step(client.update_schedule, **schedule, **hourly, State="DISABLED")
    run.expect("state", "DISABLED", run.step(client.get_schedule, **schedule)["State"])
    listed = run.step(client.list_schedules, GroupName=run.name)["Schedules"]
    run.expect("schedules of the group", [run.name], [found["Name"] for found in listed])


def secretsmanager(run):
    client = run.client()
    create_secret(run, client, "first")
    run.expect("secret", "first", run.step(client.get_secret_value, SecretId=run.name)["SecretString"])
    run.step(client.update_secret, SecretId=run.name, SecretString="second")
    for stage, value in [("AWSCURRENT", "second"), ("AWSPREVIOUS", "first")]:
        read = run.step(client.get_secret_value, SecretId=run.name, VersionStage=stage)
        run.expect(f"secret of {stage}", value, read["SecretString"])


def ses(run):
    client = run.client()
    sender = f"{run.name}@example.com"
    run.step(client.verify_email_identity, EmailAddress=sender)
    run.undo(client.delete_identity, Identity=sender)
    pick = lambda got: got["VerificationAttributes"].get(sender)
    verified = run.until(pick, client.get_identity_verification_attributes, Identities=[sender])
    run.expect("verification", "Success", verified["VerificationStatus"])
    sent = lambda got: sum(point["DeliveryAttempts"] for point in got["SendDataPoints"])
    before = sent(run.step(client.get_send_statistics))
    message = {"Subject": {"Data": "smoke test"}, "Body": {"Text": {"Data": "hello"}}}
    to = {"ToAddresses": ["nobody@example.com"]}
    mail = run.step(client.send_email, Source=sender, Destination=to, Message=message)
    run.expect("message id is empty", False, not mail["MessageId"])
    run.until(lambda got: True if sent(got) > before else None, client.get_send_statistics)


def sns(run):
    client, sqs = run.client(), run.client("sqs")
    topic = run.step(client.create_topic, Name=run.name)["TopicArn"]
    run.undo(client.delete_topic, TopicArn=topic)
    read = run.step(client.get_topic_attributes, TopicArn=topic)["Attributes"]
    run.expect("TopicArn", topic, read["TopicArn"])
    text = f"hello from {run.name}"
    url = create_queue(run, sqs)
    subscription = run.step(
        client.subscribe,
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=queue_arn(run, sqs, url),
        Attributes={"RawMessageDelivery": "true"},
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    run.undo(client.unsubscribe, SubscriptionArn=subscription)
    run.step(client.publish, TopicArn=topic, Message=text)
    run.expect("delivered message", text, receive(run, sqs, url)["Body"])


def sqs(run):
    client = run.client()
    url = create_queue(run, client)
    run.expect("QueueUrl", url, run.step(client.get_queue_url, QueueName=run.name)["QueueUrl"])
    queue_arn(run, client, url)
    body = f"hello from {run.name}"
    attributes = {"colour": {"DataType": "String", "StringValue": "blue"}}
    run.step(client.send_message, QueueUrl=url, MessageBody=body, MessageAttributes=attributes)
    message = receive(run, client, url, MessageAttributeNames=["All"])
    run.expect("message", (body, attributes), (message["Body"], message["MessageAttributes"]))
    run.step(client.delete_message, QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def ssm(run):
    client = run.client()
    path = f"/{run.name}"
    name = f"{path}/password"
    put = lambda value, **more: run.step(client.put_parameter, Name=name, Value=value, Type="SecureString", **more)
    put("first")
    run.undo(client.delete_parameter, Name=name)
    run.expect("version", 2, put("second", Overwrite=True)["Version"])
    read = run.step(client.get_parameter, Name=name, WithDecryption=True)["Parameter"]
    run.expect("parameter", ("second", "SecureString"), (read["Value"], read["Type"]))
    sealed = run.step(client.get_parameter, Name=name)["Parameter"]["Value"]
    run.expect("value without decryption is the plain one", False, sealed == "second")
    below = run.step(client.get_parameters_by_path, Path=path, WithDecryption=True)["Parameters"]
    run.expect("parameters of the path", [(name, "second")], [(found["Name"], found["Value"]) for found in below])


def stepfunctions(run):
    client = run.client("stepfunctions")
    greets = {"Variable": "$.greeting", "StringMatches": "hello *", "Next": "Done"}
    greet = {"Type": "Pass", "Parameters": {"greeting.$": "States.Format('hello {}', $.name)"}, "Next": "Decide"}
    states = {
        "Greet": greet,
        "Decide": {"Type": "Choice", "Choices": [greets], "Default": "Lost"},
        "Done": {"Type": "Succeed"},
        "Lost": {"Type": "Fail"},
    }
    definition = json.dumps({"StartAt": "Greet", "States": states})
    created = run.step(client.create_state_machine, name=run.name, definition=definition, roleArn=ROLE)
    machine = {"stateMachineArn": created["stateMachineArn"]}
    run.undo(client.delete_state_machine, **machine)
    started = run.step(client.start_execution, **machine, input=json.dumps({"name": run.name}))
    execution = {"executionArn": started["executionArn"]}
    ended = lambda got: got if got["status"] != "RUNNING" else None
    ended = run.until(ended, client.describe_execution, **execution)
    run.expect("status", "SUCCEEDED", ended["status"])
    run.expect("output", {"greeting": f"hello {run.name}"}, json.loads(ended["output"]))
    history = run.step(client.get_execution_history, **execution)["events"]
    run.expect("last event", "ExecutionSucceeded", history[-1]["type"])


def sts(run):
    client = run.client()
    account(run, client)
    role = create_role(run, run.client("iam"))
    assumed = run.step(client.assume_role, RoleArn=role, RoleSessionName=run.name)
    user = assumed["AssumedRoleUser"]["Arn"]
    run.expect("session", f"assumed-role/{run.name}/{run.name}", user.rsplit(":", 1)[1])
    keys = assumed["Credentials"]
    with run.clients.lock:
        as_role = run.clients.make(
            "sts",
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )
    run.expect("caller with the role's keys", user, run.step(as_role.get_caller_identity)["Arn"])


def support(run):
    client = run.client()
    text = f"hello from {run.name}"
    case = run.step(
        client.create_case,
        subject=run.name,
        communicationBody=text,
        serviceCode="amazon-sqs",
        severityCode="low",
        categoryCode="general-info",
        language="en",
    )["caseId"]
    run.undo(client.resolve_case, caseId=case)
    cases = run.step(client.describe_cases, caseIdList=[case], includeCommunications=True)["cases"]
    run.expect("subjects", [run.name], [case["subject"] for case in cases])
    words = [said["body"] for case in cases for said in case["recentCommunications"]["communications"]]
    run.expect("communications", [text], words)


def swf(run):
    client = run.client()
    domain = f"{run.name}-{time.time_ns() // 1_000_000}"
    run.step(client.register_domain, name=domain, workflowExecutionRetentionPeriodInDays="1")
    run.undo(client.deprecate_domain, name=domain)
    kind, tasks = {"name": run.name, "version": "1"}, {"name": run.name}
    run.step(
        client.register_workflow_type,
        domain=domain,
        **kind,
        defaultTaskList=tasks,
        defaultChildPolicy="TERMINATE",
        defaultTaskStartToCloseTimeout="60",
        defaultExecutionStartToCloseTimeout="60",
    )
    run.undo(client.deprecate_workflow_type, domain=domain, workflowType=kind)
    start = {"domain": domain, "workflowId": run.name, "workflowType": kind, "input": "hello"}
    id = run.step(client.start_workflow_execution, **start)["runId"]
    given = lambda got: got if got.get("taskToken") else None
    task = run.until(given, client.poll_for_decision_task, domain=domain, taskList=tasks)
    run.expect("run of the task", id, task["workflowExecution"]["runId"])
    complete = {"decisionType": "CompleteWorkflowExecution"}
    complete["completeWorkflowExecutionDecisionAttributes"] = {"result": "done"}
    run.step(client.respond_decision_task_completed, taskToken=task["taskToken"], decisions=[complete])
    execution = {"workflowId": run.name, "runId": id}
    described = run.step(client.describe_workflow_execution, domain=domain, execution=execution)
    run.expect("close status", "COMPLETED", described["executionInfo"]["closeStatus"])


def transcribe(run):
    client = run.client()
    phrases = ["OpenShift", "LocalStack"]
    run.step(client.create_vocabulary, VocabularyName=run.name, LanguageCode="en-US", Phrases=phrases)
    run.undo(client.delete_vocabulary, VocabularyName=run.name)
    settled = lambda got: got if got["VocabularyState"] != "PENDING" else None
    made = run.until(settled, client.get_vocabulary, VocabularyName=run.name)
    run.expect("vocabulary", ("READY", "en-US"), (made["VocabularyState"], made["LanguageCode"]))
    found = run.step(client.list_vocabularies, NameContains=run.name)["Vocabularies"]
    run.expect("vocabularies of that name", [run.name], [found["VocabularyName"] for found in found])


CHECKS = [
    acm, apigateway, cloudformation, cloudwatch, config, dynamodb, dynamodbstreams, ec2, es, events, firehose, iam,
    kinesis, kms, lambda_, logs, opensearch, redshift, resource_groups, resourcegroupstaggingapi, route53,
    route53resolver, s3, s3control, scheduler, secretsmanager, ses, sns, sqs, ssm, stepfunctions, sts, support, swf,
    transcribe,
]  # fmt: skip
