"""Push images with skopeo or docker, whichever is installed, and verify them in the registry."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from pathlib import Path

from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError, UsageError
from meshproof.process import spawn
from meshproof.records import dataclass
from meshproof.targets.hosts.images import harbor
from meshproof.targets.hosts.images.archive import uncompressed
from meshproof.targets.hosts.images.naming import Hub, TaggedImage
from meshproof.targets.hosts.images.registry import Registry
from meshproof.targets.hosts.stream import drain

TOOLS = ("skopeo", "docker")
MEGABYTE = 1 << 20
# The last line of `docker push`.
PUSHED = re.compile(r"digest: (sha256:[0-9a-f]{64}) size: \d+\s*$")
ENGINE_GONE = "the Docker engine of this machine does not answer"
HINTS = {
    "cannot connect to the docker daemon": ENGINE_GONE,
    "docker daemon socket": f"{ENGINE_GONE}, or not to this user",
    "unauthorized": "the registry refuses the name or the password",
    "denied": "the registry does not let this account push there",
    "500 internal server error": "the registry itself failed, most often because its disk is full; its log says why",
    "no space left on device": "a disk is full",
    "connection refused": "the registry is gone",
    **dict.fromkeys(
        ("eof", "closed network connection", "connection reset", "broken pipe"),
        "the connection broke; run it again, what has arrived is not sent again",
    ),
}
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Pusher:
    """Pushes images to one registry.

    `folder` (0700) holds the file with the password for as long as the run takes; `environ` is the tools'
    environment, and `secret` names variables that are removed from it.
    """

    registry: Registry
    folder: Path
    timeouts: Timeouts
    environ: Mapping[str, str] = field(repr=False)
    secret: tuple[str, ...] = ()

    async def check(self, hub: Hub) -> str:
        """Check that the registry is healthy and accepts images for `hub`; its kind. Raises TargetError."""
        await self.registry.answers()
        api = await harbor.base(self.registry)
        if api:
            await harbor.check_project(self.registry, api, hub.project)
        return "Harbor" if api else "OCI registry"

    async def missing(self, tagged_images: Sequence[TaggedImage]) -> list[TaggedImage]:
        """Those that the registry does not have, or has with other content; raises TargetError."""
        return [tagged for tagged in tagged_images if not await self.there(tagged)]

    async def there(self, tagged: TaggedImage) -> bool:
        """True when the registry has exactly this image, with every layer, under its name."""
        manifest = await self.registry.manifest(tagged.repository, tagged.tag)
        if manifest is None:
            return False
        if tagged.image.index:
            return manifest.digest == tagged.image.index
        if manifest.config != tagged.image.config:
            return False
        return all([await self.registry.holds(tagged.repository, blob) for blob in manifest.blobs])

    async def push(self, tagged_images: Sequence[TaggedImage], tell: Tell) -> None:
        """Push what is missing, one after the other, each verified; raises TargetError at the first that fails."""
        tool = self.tool()
        for number, tagged in enumerate(tagged_images, start=1):
            shown = f"{number} of {len(tagged_images)}: {tagged} ({tagged.image.size / MEGABYTE:.1f} MB)"
            if await self.there(tagged):
                tell(f"{shown} is there already")
                continue
            tell(f"{shown} is pushed with {Path(tool).name}")
            digest = await (self._skopeo(tool, tagged) if Path(tool).name == "skopeo" else self._docker(tool, tagged))
            await self._verify(tagged, digest)

    def tool(self) -> str:
        """The program that pushes; raises UsageError when none is installed."""
        found = [path for name in TOOLS if (path := shutil.which(name, path=self.environ.get("PATH")))]
        if not found:
            raise UsageError("neither skopeo nor docker is on PATH; install one of them to push images")
        return found[0]

    async def _verify(self, tagged: TaggedImage, digest: str) -> None:
        manifest = await self.registry.manifest(tagged.repository, tagged.tag)
        if manifest is None:
            raise TargetError(f"{tagged} was pushed, and the registry does not have it")
        if digest and manifest.digest != digest:
            raise TargetError(
                f"{tagged} was pushed as {digest}, and the registry has {manifest.digest} under that name"
            )
        if not await self.there(tagged):
            raise TargetError(f"{tagged} was pushed, and what the registry has under that name is another image")

    async def _skopeo(self, tool: str, tagged: TaggedImage) -> str:
        image = tagged.image
        if ":" in str(image.path):
            raise UsageError(f"{image.path}: skopeo takes no path with a colon in it; move the bundle")
        digest_file = self.folder / "digest"
        words = ["--authfile", str(self._auth_file()), "--digestfile", str(digest_file)]
        if self.registry.plain or not self.registry.verify:
            words += ["--dest-tls-verify=false"]
        elif self.registry.ca:
            words += ["--dest-cert-dir", str(self._certificates(self.registry.ca))]
        words += ["--all"] if image.index else []
        plain = await asyncio.to_thread(uncompressed, image.path, self.folder)
        source = f"{image.transport}:{plain}" + (f":{image.reference}" if image.reference else "")
        # No signature is required of an archive of this machine, whose checksum has been verified.
        await self._run([tool, "--insecure-policy", "copy", *words, source, f"docker://{tagged}"], tagged)
        if plain != image.path:
            plain.unlink()
        return digest_file.read_text().strip()

    async def _docker(self, tool: str, tagged: TaggedImage) -> str:
        image = tagged.image
        if image.transport != "docker-archive":
            raise UsageError(f"{image.path}: docker loads only what docker save wrote; install skopeo for this one")
        docker = [tool, "--config", str(self._auth_file().parent)]
        await self._run([*docker, "load", "--quiet", "--input", str(image.path)], tagged)
        await self._run([*docker, "tag", image.name, str(tagged)], tagged)
        said = await self._run([*docker, "push", str(tagged)], tagged)
        digest = PUSHED.search(said)
        if digest is None:
            raise TargetError(f"{tagged}: docker does not print the digest that it was pushed as", said[-500:])
        return digest[1]

    def _auth_file(self) -> Path:
        if self.registry.credentials:
            return self.registry.credentials.auth_file(self.folder, self.registry.host)
        path = self.folder / "config.json"
        path.write_text(json.dumps({"auths": {}}))
        return path

    def _certificates(self, ca: Path) -> Path:
        folder = self.folder / "certificates"
        folder.mkdir(mode=0o700, exist_ok=True)
        try:
            (folder / "ca.crt").write_bytes(ca.read_bytes())
        except OSError as error:
            raise UsageError(f"{ca}: cannot be read: {error.strerror}") from None
        return folder

    async def _run(self, argv: Sequence[str], tagged: TaggedImage) -> str:
        """The tool's standard output; raises TargetError when it fails or does not end."""
        name = Path(argv[0]).name
        log = self.folder / f"{name}.log"
        log.unlink(missing_ok=True)
        env = {key: value for key, value in self.environ.items() if key not in self.secret}
        child = await spawn(name, argv, log=log, env={"PATH": os.defpath, **env}, piped=True)
        child.stdin.close()
        limit = self.timeouts.image_push
        try:
            async with asyncio.timeout(limit):
                said = await drain(child, name)
                code = await child.process.wait()
        except TimeoutError:
            raise child.failure(f"{tagged} was not pushed within {limit:g} s") from None
        finally:
            await child.stop(self.timeouts.process_exit)
        if code != 0:
            words = child.stderr_tail().lower()
            hint = next((f": {hint}" for sign, hint in HINTS.items() if sign in words), "")
            raise child.failure(f"{tagged} was not pushed{hint}")
        return said.decode(errors="replace")
