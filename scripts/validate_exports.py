"""Checks exported documents with other people's validators. Started by scripts/validate-exports, which installs them."""

import base64
import importlib.util
import io
import json
import os
import sys
import tempfile
import time
import warnings

CONTEXT = "https://w3id.org/ro/crate/1.1/context"


class Invalid(Exception):
    """A document is not what it must be."""


def local_context():
    """The JSON-LD context of RO-Crate 1.1 as the package `rocrate` has it: the validator would ask the web for it."""
    # Found, not imported: its dependencies are not there.
    folder = importlib.util.find_spec("rocrate").submodule_search_locations[0]
    path = os.path.join(folder, "data", "ro-crate.jsonld")
    with open(path, "rb") as file:
        text = file.read()
    if json.loads(text)["@id"] != CONTEXT:
        raise SystemExit("validate-exports: the package rocrate has another version of the context")
    return text


def filled_cache(folder):
    """A cache of web pages, of the kind that the validator keeps, with that context as its only page."""
    import requests
    import urllib3
    from requests_cache import CachedSession

    text = local_context()

    class Local(requests.adapters.BaseAdapter):
        def send(self, request, **_):
            headers = {"Content-Type": "application/ld+json"}
            response = requests.models.Response()
            response.status_code, response.url, response.request = 200, request.url, request
            response.headers.update(headers)
            response.raw = urllib3.HTTPResponse(
                body=io.BytesIO(text), status=200, headers=headers, preload_content=False, request_url=request.url
            )
            return response

        def close(self):
            pass

    path = os.path.join(folder, "pages")
    session = CachedSession(cache_name=path, backend="sqlite", expire_after=-1, allowable_codes=(200,))
    session.mount("https://w3id.org/", Local())
    session.get(CONTEXT)
    session.close()
    return path


def check_crate(path):
    """RO-Crate 1.1 and Process Run Crate 0.5: all that they require, the presence of every file included."""
    from rocrate_validator import models, services

    with tempfile.TemporaryDirectory() as folder:
        result = services.validate(
            services.ValidationSettings(
                rocrate_uri=path,
                profile_identifier="process-run-crate",
                requirement_severity=models.Severity.REQUIRED,
                cache_path=filled_cache(folder),
                offline=True,
            )
        )
    if not result.passed():
        raise Invalid("; ".join(sorted({str(issue.message) for issue in result.get_issues()})[:5]))
    with open(os.path.join(path, "ro-crate-metadata.json"), encoding="utf-8") as file:
        graph = json.load(file)["@graph"]
    unique([entity["@id"] for entity in graph])
    return f"RO-Crate 1.1, Process Run Crate 0.5: {len(graph)} entities"


def check_prov(document, text):
    """PROV-JSON: read, written again to the same, said in PROV-N and in RDF."""
    from prov.model import ProvDocument

    read = ProvDocument.deserialize(content=text, format="json")
    again = ProvDocument.deserialize(content=read.serialize(format="json"), format="json")
    if again != read:
        raise Invalid("it is not the same when it is written again")
    said = sum(len(members) for section, members in document.items() if section != "prefix")
    if len(read.get_records()) != said:
        raise Invalid(f"{said} statements are written and {len(read.get_records())} are read")
    if not read.get_provn().startswith("document"):
        raise Invalid("it cannot be said in PROV-N")
    # A second validator's time for a large document, so only of a small one.
    if said < 2000:
        read.serialize(format="rdf", rdf_format="nt")
    known = set(document["entity"]) | set(document["activity"]) | set(document["agent"])
    for section, members in document.items():
        if section in ("prefix", "entity", "activity", "agent"):
            continue
        for relation in members.values():
            for name, value in relation.items():
                if name.startswith("prov:") and name != "prov:time" and value not in known:
                    raise Invalid(f"{section} names {value}, which is not there")
    return f"PROV-JSON: {said} statements"


def check_statement(statement):
    """An in-toto statement v1 with SLSA provenance v1, by the classes that are made from their definitions."""
    import google.protobuf.json_format as formats
    from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
    from in_toto_attestation.v1 import statement_pb2
    from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
    from in_toto_attestation.v1.statement import Statement

    Statement.copy_from_pb(formats.ParseDict(statement, statement_pb2.Statement())).validate()
    if statement["predicateType"] != "https://slsa.dev/provenance/v1":
        raise Invalid("the predicate is no SLSA provenance v1")
    predicate = formats.ParseDict(statement["predicate"], Provenance())
    if not predicate.build_definition.build_type or not predicate.run_details.builder.id:
        raise Invalid("buildType and builder.id are required")
    if predicate.run_details.metadata.started_on.ToNanoseconds() > predicate.run_details.metadata.finished_on.ToNanoseconds():
        raise Invalid("it ended before it started")
    named = list(predicate.build_definition.resolved_dependencies) + list(predicate.run_details.byproducts)
    for descriptor in named:
        ResourceDescriptor.copy_from_pb(descriptor).validate()
        if not descriptor.digest:
            raise Invalid(f"{descriptor.name} has no digest")
    unique([descriptor.digest["sha256"] for descriptor in predicate.run_details.byproducts])
    return f"in-toto statement v1, SLSA provenance v1: {len(statement['subject'])} subjects, {len(named)} named"


def check_envelope(envelope, public):
    """A DSSE envelope: the signature with another implementation of Ed25519, then the statement."""
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import VerificationError
    from securesystemslib.signer import SSlibKey

    if public is None:
        raise Invalid("it is signed: --public KEY.pem is needed to check it")
    with open(public, "rb") as file:
        key = SSlibKey.from_crypto(load_pem_public_key(file.read()), keyid=envelope["signatures"][0]["keyid"])
    try:
        Envelope.from_dict(json.loads(json.dumps(envelope))).verify([key], 1)
    except VerificationError as error:
        raise Invalid(f"the signature: {error}") from error
    payload = base64.b64decode(envelope["payload"], validate=True)
    return "DSSE, Ed25519; " + check_statement(json.loads(payload))


def unique(names):
    seen = set()
    for name in names:
        if name in seen:
            raise Invalid(f"{name} is there twice")
        seen.add(name)


def check(path, public):
    if os.path.isdir(path):
        return check_crate(path)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    document = json.loads(text)
    if "payload" in document:
        return check_envelope(document, public)
    if "_type" in document:
        return check_statement(document)
    if "prefix" in document:
        return check_prov(document, text)
    raise Invalid("it is none of the formats that `rung export` writes")


def main(words):
    warnings.simplefilter("ignore")
    public = None
    if words[:1] == ["--public"]:
        public, words = words[1], words[2:]
    if not words:
        raise SystemExit("usage: validate-exports [--public KEY.pem] FOLDER|FILE...")
    failed = False
    for path in words:
        start = time.monotonic()
        try:
            said = check(path, public)
            print(f"valid: {path}: {said} ({time.monotonic() - start:.1f} s)", flush=True)
        except Exception as error:  # Validators throw what they like; whatever it is, the document did not pass.
            failed = True
            print(f"not valid: {path}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
