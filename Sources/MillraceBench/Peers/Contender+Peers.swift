import MillraceCore

extension Contender {
    /// nginx, FastAPI and Node, each with one worker and with two.
    static let peers: [Contender] = [1, 2].flatMap { workers in [nginx(workers), fastAPI(workers), node(workers)] }

    /// Those that only relay tokens.
    static let relays: [Contender] = [
        Contender(
            name: "millrace-committed", summary: "millrace with its log on disk", kinds: [.relay], isCommitted: true,
            program: { $0.ownPath }, prepare: millraceArguments),
        Contender(
            name: "floor-committed", summary: "the floor with its log on disk", kinds: [.relay], isCommitted: true, program: floorProgram,
            prepare: floorArguments),
        Contender(
            name: Report.baseline, summary: "no relay: the load reads from the upstream, whose CPU is shown", kinds: [.relay], core: 1,
            loadFlags: ["--path", "/v1/chat/completions"], program: { Files.executable("\($0.tools)/MillraceBenchUpstream") },
            prepare: { start throws(MillraceError) in ["--port", "\(start.port)"] }),
    ]

    private static func named(_ name: String, _ workers: Int) -> String { workers == 1 ? name : "\(name)-\(workers)" }

    private static func plural(_ workers: Int) -> String { workers == 1 ? "one worker" : "\(workers) workers" }

    private static func nginx(_ workers: Int) -> Contender {
        Contender(
            name: named("nginx", workers), summary: "\(plural(workers)); relays with proxy_pass, which passes bytes on and reads no token",
            kinds: [.plain, .relay], workers: workers, program: { _ in Files.executable("/usr/sbin/nginx") },
            prepare: { start throws(MillraceError) in
                try Files.write(nginxConfiguration(start, workers: workers), to: "\(start.directory)/nginx.conf")
                return ["-p", start.directory, "-c", "\(start.directory)/nginx.conf", "-e", "\(start.directory)/error.log"]
            })
    }

    private static func fastAPI(_ workers: Int) -> Contender {
        Contender(
            name: named("fastapi", workers), summary: "FastAPI and httpx under uvicorn, uvloop and httptools, \(plural(workers))",
            kinds: [.plain, .stream, .relay], workers: workers, absence: "is not installed: run .ci/setup --bench, or give --python",
            program: { Files.executable($0.python) },
            prepare: { start throws(MillraceError) in
                try Files.write(FastAPIPeer.source, to: "\(start.directory)/peer.py")
                return ["\(start.directory)/peer.py", "\(start.port)", "\(workers)", "\(start.upstream)"]
            })
    }

    private static func node(_ workers: Int) -> Contender {
        Contender(
            name: named("node", workers), summary: "Node's http and fetch without a framework, \(plural(workers))",
            kinds: [.plain, .stream, .relay], workers: workers,
            program: { _ in Files.executable("/usr/bin/node") ?? Files.executable("/usr/local/bin/node") },
            prepare: { start throws(MillraceError) in
                try Files.write(NodePeer.source, to: "\(start.directory)/peer.mjs")
                return ["\(start.directory)/peer.mjs", "\(start.port)", "\(workers)", "\(start.upstream)"]
            })
    }

    static func nginxConfiguration(_ start: Start, workers: Int = 1) -> String {
        """
        daemon off;
        worker_processes \(workers);
        worker_rlimit_nofile \(start.descriptors);
        pid \(start.directory)/nginx.pid;
        error_log \(start.directory)/error.log;
        events { worker_connections 8192; }
        http {
            access_log \(start.directory)/access.log combined buffer=64k flush=100ms;
            keepalive_requests 1000000000;
            client_body_temp_path \(start.directory)/body;
            proxy_temp_path \(start.directory)/proxy;
            fastcgi_temp_path \(start.directory)/fastcgi;
            uwsgi_temp_path \(start.directory)/uwsgi;
            scgi_temp_path \(start.directory)/scgi;
        \(start.upstream > 0 ? nginxUpstream(port: start.upstream) : "")
            server {
                listen 127.0.0.1:\(start.port) backlog=4096\(workers > 1 ? " reuseport" : "");
                location = /healthz { default_type application/json; return 200 '{"status":"ok"}'; }
        \(start.upstream > 0 ? nginxRelay : "")
            }
        }

        """
    }

    private static func nginxUpstream(port: Int) -> String {
        "    upstream model { server 127.0.0.1:\(port); keepalive 1024; keepalive_requests 1000000000; }"
    }

    /// Each piece of the upstream's goes on at once, over connections that are kept.
    private static let nginxRelay = """
                location = /api/v1/generate/stream {
                    proxy_pass http://model/v1/chat/completions;
                    proxy_buffering off;
                    proxy_http_version 1.1;
                    proxy_set_header Connection "";
                }
        """
}
