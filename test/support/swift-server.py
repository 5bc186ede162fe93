#!/usr/bin/python3
"""swift-server.py FOLDER PROXY ACCOUNT CONTAINER OBJECT (four free ports)

OpenStack Swift with its S3 interface in one process: loopback only, no root, no memcached, one copy of everything on a folder
of a filesystem with user attributes. Prints "ready" when it answers, and ends when its stdin is closed, so nothing stays
behind however the test dies. The keys come from S3_ACCESS_KEY ("account:user") and S3_SECRET_KEY.
Debian: apt-get install --no-install-recommends swift-proxy swift-account swift-container swift-object
"""
import os
import sys

from swift.common import utils

if hasattr(utils, "monkey_patch"):
    utils.monkey_patch()

FOLDER = sys.argv[1]
PORTS = dict(zip(("proxy", "account", "container", "object"), map(int, sys.argv[2:6])))
ETC = os.path.join(FOLDER, "etc")
ACCOUNT, USER = os.environ["S3_ACCESS_KEY"].split(":")

EVERY = f"""[DEFAULT]
bind_ip = 127.0.0.1
bind_port = %d
swift_dir = {ETC}
devices = {FOLDER}/node
mount_check = false
workers = 0
log_level = WARNING
log_address = {FOLDER}/nolog
fallocate_reserve = 0
disable_fallocate = true
"""
PROXY = {
    "catch_errors": "",
    "gatekeeper": "",
    "healthcheck": "",
    # Keys are checked without it; nothing listens there.
    "cache": "use = egg:swift#memcache\nmemcache_servers = 127.0.0.1:1\nconnect_timeout = 0.01",
    "listing_formats": "",
    "s3api": "location = us-east-1\ns3_acl = false\nmax_upload_part_num = 10000",
    "tempauth": f"user_{ACCOUNT}_{USER} = {os.environ['S3_SECRET_KEY']} .admin",
    "bulk": "",
    "slo": "max_manifest_segments = 10000\nmax_manifest_size = 8388608",
    "proxy-server": "account_autocreate = true\nallow_account_management = true",
}


def write(name, text):
    with open(os.path.join(ETC, name), "w", encoding="utf8") as file:
        file.write(text)


def configure():
    os.makedirs(ETC)
    os.makedirs(os.path.join(FOLDER, "node/d1"))
    write("swift.conf", "[swift-hash]\nswift_hash_path_suffix = test\n[storage-policy:0]\nname = gold\ndefault = yes\n")
    for name in ("account", "container", "object"):
        app = f"[pipeline:main]\npipeline = app\n[app:app]\nuse = egg:swift#{name}\n"
        write(f"{name}-server.conf", EVERY % PORTS[name] + app)
    sections = [f"[pipeline:main]\npipeline = {' '.join(PROXY)}"]
    for name, lines in PROXY.items():
        kind, egg = ("app", "proxy") if name == "proxy-server" else ("filter", name)
        use = "" if lines.startswith("use =") else f"use = egg:swift#{egg}\n"
        sections.append(f"[{kind}:{name}]\n{use}{lines}")
    write("proxy-server.conf", EVERY % PORTS["proxy"] + "\n".join(sections) + "\n")


def make_rings():
    from swift.common.ring import RingBuilder

    for name in ("account", "container", "object"):
        builder = RingBuilder(4, 1, 1)
        place = {"ip": "127.0.0.1", "port": PORTS[name], "device": "d1"}
        builder.add_dev({"region": 1, "zone": 1, "weight": 1, "meta": "", **place})
        builder.rebalance()
        builder.get_ring().save(os.path.join(ETC, f"{name}.ring.gz"))


class Nowhere:
    def write(self, *_):
        pass

    def flush(self):
        pass


def serve():
    import eventlet
    import eventlet.wsgi
    from swift.common import wsgi

    for name in ("account", "container", "object", "proxy"):
        app = wsgi.loadapp(os.path.join(ETC, f"{name}-server.conf"), global_conf={"log_name": name})
        eventlet.spawn(
            eventlet.wsgi.server,
            eventlet.listen(("127.0.0.1", PORTS[name]), backlog=256),
            app,
            Nowhere(),
            protocol=getattr(wsgi, "SwiftHttpProtocol", eventlet.wsgi.HttpProtocol),
            custom_pool=eventlet.GreenPool(1024),
            log_output=False,
            capitalize_response_headers=False,
        )

    def end_with_stdin():
        while os.read(0, 1):
            pass
        os._exit(0)

    eventlet.patcher.original("threading").Thread(target=end_with_stdin, daemon=True).start()
    print("ready", flush=True)
    while True:
        eventlet.sleep(3600)


configure()
utils.set_swift_dir(ETC)
from swift.common import constraints, storage_policy  # noqa: E402

constraints.reload_constraints()
storage_policy.reload_storage_policies()
make_rings()
serve()
