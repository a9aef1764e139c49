import MillraceCore

extension Contender {
    /// Those that only relay tokens.
    static let relays: [Contender] = [
        Contender(
            name: "millrace-committed", summary: "millrace with its log on disk", kinds: [.relay], isCommitted: true,
            program: { $0.ownPath }, prepare: millraceArguments),
        Contender(
            name: "floor-committed", summary: "the floor with its log on disk", kinds: [.relay], isCommitted: true, program: floorProgram,
            prepare: floorArguments),
        Contender(
            name: "node", summary: "Node's http and fetch, without a framework", kinds: [.relay],
            program: { _ in Files.executable("/usr/bin/node") ?? Files.executable("/usr/local/bin/node") },
            prepare: { start throws(MillraceError) in
                try Files.write(NodeRelay.source, to: "\(start.directory)/relay.mjs")
                return ["\(start.directory)/relay.mjs", "\(start.port)", "\(start.upstream)"]
            }),
        Contender(
            name: "fastapi", summary: "FastAPI and httpx under uvicorn, one worker, uvloop and httptools", kinds: [.relay],
            absence: "is not installed: run .ci/setup --bench, or give --python", program: { Files.executable($0.python) },
            prepare: { start throws(MillraceError) in
                try Files.write(FastAPIRelay.source, to: "\(start.directory)/relay.py")
                return ["\(start.directory)/relay.py", "\(start.port)", "\(start.upstream)"]
            }),
        Contender(
            name: Report.baseline, summary: "no relay: the load reads from the upstream, whose CPU is shown", kinds: [.relay], core: 1,
            loadFlags: ["--path", "/v1/chat/completions"], program: { Files.executable("\($0.tools)/MillraceBenchUpstream") },
            prepare: { start throws(MillraceError) in ["--port", "\(start.port)"] }),
    ]
}
