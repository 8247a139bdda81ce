"""Check the bucket's settings as the AWS command line does before it sends them."""
import json
import sys

import botocore.session
import botocore.validate

service = botocore.session.get_session().get_service_model("s3")
operation, member, path = sys.argv[1:]
with open(path) as file:
    request = {"Bucket": "bucket", member: json.load(file)}
shape = service.operation_model(operation).input_shape
report = botocore.validate.ParamValidator().validate(request, shape)
print(report.generate_report())
