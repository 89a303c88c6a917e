"""A real Kafka broker with a listener for each way of security, and an authorizer.

Certificates name 127.0.0.1, so `localhost` is a wrong name. Without an access control list nobody
may do anything but whoever comes by the plain listener, and the user `admin`.
"""

import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from certificates import Authority, Issuer
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePattern,
    ResourceType,
)
from kafka_server import START_SECONDS, STOP_SECONDS, _free_ports, _listens, libraries

__all__ = ["LISTENERS", "PASSWORDS", "SecuredKafka", "secured_kafka"]

LISTENERS: Final = {
    "PLAIN": "PLAINTEXT",
    "TLS": "SSL",
    "MUTUAL": "SSL",
    "SCRAM": "SASL_SSL",
    "CLEAR": "SASL_PLAINTEXT",
    "BEARER": "SASL_SSL",
}
PASSWORDS: Final = {
    "admin": "correct-horse-1",
    "worker": "battery-staple-2",
    "guest": "tr0ub4dor-3",
}
PROPERTIES: Final = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners={listeners},CONTROLLER://127.0.0.1:{controller}
advertised.listeners={listeners}
listener.security.protocol.map={protocols},CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAIN
log.dirs={data}
auto.create.topics.enable=true
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:admin
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={truststore}
listener.name.mutual.ssl.client.auth=required
listener.name.mutual.ssl.principal.mapping.rules=RULE:^CN=(.*)$/$1/,DEFAULT
listener.name.scram.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.clear.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.scram.scram-sha-256.sasl.jaas.config={scram}
listener.name.scram.scram-sha-512.sasl.jaas.config={scram}
listener.name.clear.scram-sha-512.sasl.jaas.config={scram}
listener.name.scram.plain.sasl.jaas.config={plain}
listener.name.clear.plain.sasl.jaas.config={plain}
listener.name.bearer.sasl.enabled.mechanisms=OAUTHBEARER
listener.name.bearer.connections.max.reauth.ms=3600000
listener.name.bearer.oauthbearer.sasl.jaas.config=\
org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;
listener.name.bearer.oauthbearer.sasl.server.callback.handler.class=\
org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler
listener.name.bearer.oauthbearer.sasl.oauthbearer.jwks.endpoint.url={jwks}
listener.name.bearer.oauthbearer.sasl.oauthbearer.expected.audience={audience}
listener.name.bearer.oauthbearer.sasl.oauthbearer.expected.issuer={issuer}
"""
_SCRAM: Final = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
_PLAIN: Final = "org.apache.kafka.common.security.plain.PlainLoginModule required {users};"


class SecuredKafka:
    """One broker; `address` says where each listener is."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.authority = Authority(directory, "authority")
        self.stranger = Authority(directory, "stranger")
        self.issuer = Issuer(directory)
        controller, *ports = _free_ports(1 + len(LISTENERS))
        self._ports = dict(zip(LISTENERS, ports, strict=True))
        self._properties = directory / "server.properties"
        self._properties.write_text(self._text(controller))
        self._process: subprocess.Popen[bytes] | None = None
        self._format()

    def address(self, listener: str, host: str = "127.0.0.1") -> str:
        """Return `host:port` of a listener."""
        return f"{host}:{self._ports[listener]}"

    def _text(self, controller: int) -> str:
        keystore = self._directory / "keystore.pem"
        certificate, key = self.authority.certificate("broker", "IP:127.0.0.1")
        keystore.write_text(key.read_text() + certificate.read_text())
        users = " ".join(f'user_{name}="{word}"' for name, word in PASSWORDS.items())
        return PROPERTIES.format(
            controller=controller,
            listeners=",".join(f"{name}://{self.address(name)}" for name in LISTENERS),
            protocols=",".join(f"{name}:{protocol}" for name, protocol in LISTENERS.items()),
            data=self._directory / "data",
            keystore=keystore,
            truststore=self.authority.ca,
            scram=_SCRAM,
            plain=_PLAIN.format(users=users),
            jwks=self.issuer.jwks.as_uri(),
            audience=self.issuer.audience,
            issuer=self.issuer.name,
        )

    def _java(self, *arguments: str) -> list[str]:
        allowed = f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={self.issuer.jwks.as_uri()}"
        return ["java", "-Xmx512m", allowed, "-cp", f"{libraries()}/*", *arguments]

    def _format(self) -> None:
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")
        users = [
            f"{mechanism}=[name={name},password={word}]"
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
            for name, word in PASSWORDS.items()
        ]
        scram = [part for user in users for part in ("--add-scram", user)]
        command = self._java("kafka.tools.StorageTool", "format", "-t", cluster, *scram)
        subprocess.run([*command, "-c", str(self._properties)], check=True, capture_output=True)

    def start(self) -> None:
        """Start the broker and wait until every listener answers."""
        with closing((self._directory / "server.log").open("ab")) as log:
            self._process = subprocess.Popen(
                self._java("kafka.Kafka", str(self._properties)), stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_SECONDS
        while not all(_listens(port) for port in self._ports.values()):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Kafka did not start:\n{self.log()[-3000:]}")
            time.sleep(0.1)

    def log(self) -> str:
        """Return what the broker wrote so far."""
        return (self._directory / "server.log").read_text(errors="replace")

    def stop(self) -> None:
        """End the broker; its data is thrown away, so it need not be in order."""
        if self._process is not None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
            self._process.kill()
            self._process.wait()

    def allow(self, user: str, kind: str, prefix: str, *operations: str) -> None:
        """Let `user` do `operations` on every `kind` (topic, group) whose name has `prefix`."""
        self._admin("create_acls", [self._rule(user, kind, prefix, each) for each in operations])

    def forbid(self, user: str, kind: str, prefix: str, *operations: str) -> None:
        """Take back what `allow` gave."""
        rules = [self._rule(user, kind, prefix, each) for each in operations]
        self._admin("delete_acls", rules)

    def _rule(self, user: str, kind: str, prefix: str, operation: str) -> ACL:
        prefixed = ACLResourcePatternType.PREFIXED
        pattern = ResourcePattern(ResourceType[kind.upper()], prefix, prefixed)
        return ACL(f"User:{user}", "*", ACLOperation[operation], ACLPermissionType.ALLOW, pattern)

    def _admin(self, name: str, rules: list[ACL]) -> None:
        admin = KafkaAdminClient(bootstrap_servers=self.address("PLAIN"))
        try:
            getattr(admin, name)(rules)
        finally:
            admin.close()


@contextmanager
def secured_kafka(directory: Path) -> Iterator[SecuredKafka]:
    """Run a broker with its data in `directory` for the time of the block."""
    server = SecuredKafka(directory)
    try:
        server.start()
        yield server
    finally:
        server.stop()
