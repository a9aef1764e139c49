import Glibc
import MillraceCore

/// A server that takes part.
struct Contender: Sendable {
    /// What a contender is started with.
    struct Start {
        var port: Int
        var isCommitted: Bool
        var loops: Int
        /// Empty, and the contender's own.
        var directory: String
        var tools: String
        var ownPath: String
        /// A Python interpreter that has FastAPI.
        var python: String
        /// The port of the server whose tokens are relayed; 0 where nothing is.
        var upstream: Int
    }

    var name: String
    var summary: String
    /// What it can do.
    var kinds: Set<Workload.Kind> = [.plain, .stream, .relay]
    /// Whether it keeps its log on disk whatever the workload says.
    var isCommitted = false
    /// Whether the work is done by a child of the process that is started.
    var worksInChild = false
    /// The core that it runs on where the run is pinned.
    var core = 0
    /// Flags for the load generator beside the workload's.
    var loadFlags: [String] = []
    /// What is said where there is no program.
    var absence = "is not installed"
    /// The program, or `nil` where it is not installed.
    var program: @Sendable (Start) -> String?
    /// Writes what it needs to the directory and returns its arguments.
    var prepare: @Sendable (Start) throws(MillraceError) -> [String]

    func takesPart(in workload: Workload) -> Bool { kinds.contains(workload.kind) }

    static let all: [Contender] =
        [
            Contender(
                name: "millrace", summary: "this build's server", program: { $0.ownPath },
                prepare: millraceArguments),
            Contender(
                name: "floor", summary: "a C program that makes the same system calls", program: floorProgram, prepare: floorArguments),
            Contender(
                name: "nginx", summary: "one worker; relays with proxy_pass, which passes bytes on and reads no token",
                kinds: [.plain, .relay], worksInChild: true, program: { _ in Files.executable("/usr/sbin/nginx") },
                prepare: { start throws(MillraceError) in
                    try Files.write(nginxConfiguration(start), to: "\(start.directory)/nginx.conf")
                    return ["-p", start.directory, "-c", "\(start.directory)/nginx.conf", "-e", "\(start.directory)/error.log"]
                }),
        ] + relays

    @Sendable static func millraceArguments(_ start: Start) throws(MillraceError) -> [String] {
        [
            "server", "--port", "\(start.port)", "--store", start.isCommitted ? "sqlite" : "memory", "--loops", "\(start.loops)",
            "--data-dir", start.directory,
        ] + (start.upstream > 0 ? ["--upstream", upstreamURL(start)] : [])
    }

    private static func upstreamURL(_ start: Start) -> String { "http://127.0.0.1:\(start.upstream)/v1" }

    @Sendable static func floorProgram(_ start: Start) -> String? { Files.executable("\(start.tools)/MillraceBenchFloor") }

    @Sendable static func floorArguments(_ start: Start) throws(MillraceError) -> [String] {
        ["--port", "\(start.port)", "--access-log", "\(start.directory)/access.log"]
            + (start.isCommitted ? ["--log", "\(start.directory)/events.log"] : [])
            + (start.upstream > 0 ? ["--upstream", "\(start.upstream)"] : [])
    }

    static func nginxConfiguration(_ start: Start) -> String {
        """
        daemon off;
        worker_processes 1;
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
                listen 127.0.0.1:\(start.port) backlog=4096;
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
