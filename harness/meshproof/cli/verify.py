"""`meshproof verify`: one's own YAML compared with what runs."""

from __future__ import annotations

import click

from meshproof.cli.options.manifests import Asked, of_manifests, prepared
from meshproof.cli.options.sections import Sectioned
from meshproof.cli.options.shared import EXIT_CODES, Settings, shared


@click.command(cls=Sectioned, short_help="Compare what runs with your own manifests.", epilog=EXIT_CODES)
@of_manifests()
@shared
def verify(settings: Settings, asked: Asked) -> int:
    """Run a mesh, and compare what its traffic does with what your manifests say.

    The manifests are those that a cluster would get: Services and Deployments, VirtualServices,
    DestinationRules, Gateways and their Secrets. Each Deployment is stood in for by small processes that
    answer in its place; so are, with a notice, workloads, Services and certificates that rules refer to and
    that are not among the manifests.

    \b
    meshproof verify -f k8s/
    meshproof verify -f k8s/ --applied deployed/ \\
      --request 'GET http://helloworld:5000/hello'
    meshproof verify -f k8s/ --target cluster --context staging --image REF \\
      -n shop --no-apply
    """
    target, verification = prepared(settings, asked)
    # What is wrong with the manifests has been reported by now, without the half second that this import takes.
    from meshproof.cli.execute import execute
    from meshproof.run.provenance.gather import of_verification

    made_of = of_verification(verification, target, asked.question, asked.allow_unproven)
    return execute(target, verification.work, settings, verification.coverage, made_of)
