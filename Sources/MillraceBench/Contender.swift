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
    }

    var name: String
    var summary: String
    /// Whether it can only answer plain requests.
    var isPlainOnly = false
    /// Whether the work is done by a child of the process that is started.
    var worksInChild = false
    /// The program, or `nil` where it is not installed.
    var program: @Sendable (Start) -> String?
    /// Writes what it needs to the directory and returns its arguments.
    var prepare: @Sendable (Start) throws(MillraceError) -> [String]

    func takesPart(in workload: Workload) -> Bool { workload.isPlain || !isPlainOnly }

    static let all: [Contender] = [
        Contender(
            name: "millrace", summary: "this build's server", program: { $0.ownPath },
            prepare: { start throws(MillraceError) in
                [
                    "server", "--port", "\(start.port)", "--store", start.isCommitted ? "sqlite" : "memory", "--loops", "\(start.loops)",
                    "--data-dir", start.directory,
                ]
            }),
        Contender(
            name: "floor", summary: "a C program that makes the same system calls",
            program: { Files.executable("\($0.tools)/MillraceBenchFloor") },
            prepare: { start throws(MillraceError) in
                ["--port", "\(start.port)", "--access-log", "\(start.directory)/access.log"]
                    + (start.isCommitted ? ["--log", "\(start.directory)/events.log"] : [])
            }),
        Contender(
            name: "nginx", summary: "one worker, access log on, written in batches as the others do", isPlainOnly: true, worksInChild: true,
            program: { _ in Files.executable("/usr/sbin/nginx") },
            prepare: { start throws(MillraceError) in
                try Files.write(nginxConfiguration(start), to: "\(start.directory)/nginx.conf")
                return ["-p", start.directory, "-c", "\(start.directory)/nginx.conf", "-e", "\(start.directory)/error.log"]
            }),
    ]

    private static func nginxConfiguration(_ start: Start) -> String {
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
            server {
                listen 127.0.0.1:\(start.port) backlog=4096;
                location = /healthz { default_type application/json; return 200 '{"status":"ok"}'; }
            }
        }

        """
    }
}
