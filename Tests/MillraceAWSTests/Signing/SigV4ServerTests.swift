import MillraceAWS
import MillraceCore
import MillraceCounterparts
import MillraceHTTPClient
import Testing

/// Our signatures before a server that checks them: SeaweedFS's S3, over a socket, with what libcurl makes of the request.
@Suite(.ownThreads) struct SigV4ServerTests {
    private static func start(_ directory: TemporaryDirectory) throws -> (CounterpartProcess, url: String)? {
        guard let program = Counterpart.program("weed") else {
            try Counterpart.leftOut("weed (SeaweedFS)")
            return nil
        }
        // One of the ports may be somebody else's by the time that it is used.
        for _ in 0..<2 { if let server = try? start(program, directory) { return server } }
        return try start(program, directory)
    }

    private static func start(_ program: String, _ directory: TemporaryDirectory) throws -> (CounterpartProcess, url: String) {
        let identity = #"{"name":"t","credentials":[{"accessKey":"AKIDEXAMPLE","secretKey":"secret"}],"actions":["Admin"]}"#
        let script = #"printf '%s' "$1" > s3.json; shift; exec "$@" -s3.config=s3.json"#
        let port = try Counterpart.freePort()
        var command = [
            "/bin/sh", "-c", script, "weed", #"{"identities":[\#(identity)]}"#, program, "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
            "-dir=\(directory.path)", "-master.volumeSizeLimitMB=64", "-master.volumePreallocate=false", "-master.telemetry=false",
            "-volume.max=8", "-filer", "-s3", "-s3.port=\(port)", "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam=false",
        ]
        for name in [
            "master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc", "s3.port.grpc",
        ] { command.append("-\(name)=\(try Counterpart.freePort())") }
        let process = try CounterpartProcess(command, directory: directory.path)
        try process.waitForPort(port, seconds: 30)
        return (process, "http://127.0.0.1:\(port)")
    }

    private static func client(_ url: String, secret: String = "secret") -> AWSServiceClient {
        var endpoint = AWSEndpointSettings(region: "us-east-1", url: url)
        endpoint.timeouts.total = .seconds(60)
        let credentials = AWSCredentials(accessKeyID: "AKIDEXAMPLE", secretAccessKey: secret, origin: "the test")
        return AWSServiceClient(
            .s3, endpoint: endpoint, authentication: .signature(StaticAWSCredentialProvider(credentials)), transport: HTTPClient())
    }

    private static func stream(_ bytes: [UInt8], pieces: Int) -> HTTPClientRequest.Body {
        let rest = Locked(bytes[...])
        return .stream(length: bytes.count) {
            rest.withLock { rest in
                defer { rest = rest.dropFirst(pieces) }
                return rest.isEmpty ? nil : Array(rest.prefix(pieces))
            }
        }
    }

    @Test func signatures_areAcceptedByAServerThatChecksThem() async throws {
        let directory = try TemporaryDirectory()
        guard let (process, url) = try await onThread({ try Self.start(directory) }) else { return }
        defer { process.stop() }
        try await onLoop {
            let client = Self.client(url)
            func get(_ path: String) async throws -> [UInt8] {
                try await client.exchange(AWSRequest("GET", path)) { try await $0.collect(limit: 1 << 20) }
            }
            // The port answers before the store behind it does.
            for attempt in 0..<100 {
                do {
                    try await client.exchange(AWSRequest("PUT", "/bucket", body: .bytes([]))) { _ in }
                    break
                } catch let error as AWSServiceError where error.status >= 500 && attempt < 99 {
                    try await Task.sleep(for: .milliseconds(100))
                }
            }
            let body = (0..<150_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
            let payloads: [SigV4Signer.Payload?] = [
                nil, .signedChunks(), .signedChunks(trailer: .crc32c), .signedChunks(trailer: .sha256), .unsignedChunks(trailer: .crc32),
            ]
            for (number, payload) in payloads.enumerated() {
                var put = AWSRequest("PUT", "/bucket/chunks\(number)", body: Self.stream(body, pieces: 7001))
                put.payload = payload
                try await client.exchange(put) { _ in }
                #expect(try await get("/bucket/chunks\(number)") == body, "payload \(number)")
            }
            for key in ["a b", "a+b", "ü/ሴ", "a=b&c?d#e", "100%", "!*'();:@,[]~", "x/y.z"] {
                let path = "/bucket/" + URIEncoding.encode(key, keepingSlash: true)
                try await client.exchange(AWSRequest("PUT", path, body: .bytes(Array(key.utf8)))) { _ in }
                #expect(String(decoding: try await get(path), as: UTF8.self) == key)
                let list = AWSRequest(
                    "GET", "/bucket", query: [("list-type", "2"), ("prefix", key), ("max-keys", "1"), ("delimiter", nil)])
                let text = try await client.exchange(list) { String(decoding: try await $0.collect(), as: UTF8.self) }
                #expect(text.contains("<KeyCount>1</KeyCount>"), "\(key): \(text)")
            }
            try await presigned(url)
            let stranger = Self.client(url, secret: "other")
            let refusal = await #expect(throws: AWSServiceError.self) {
                try await stranger.exchange(AWSRequest("GET", "/bucket/chunks0")) { _ in }
            }
            #expect(refusal?.status == 403)
        }
    }

    private func presigned(_ url: String) async throws {
        let credentials = AWSCredentials(accessKeyID: "AKIDEXAMPLE", secretAccessKey: "secret", origin: "the test")
        let signer = Self.client(url).signer
        let put = try signer.presign(
            "PUT", url + "/bucket/pre%20signed", headers: ["x-amz-meta-a": "b"], expiresIn: 60, credentials: credentials, at: .now())
        func status(_ method: String, _ url: String, _ headers: HTTPClientHeaders = [:], _ body: HTTPClientRequest.Body = .none)
            async throws -> Int
        {
            try await HTTPClient().exchange(HTTPClientRequest(method: method, url: url, headers: headers, body: body)) { $0.status }
        }
        #expect(try await status("PUT", put, ["x-amz-meta-a": "b"], .bytes([1])) == 200)
        #expect(try await status("PUT", put, ["x-amz-meta-a": "other"], .bytes([1])) == 403)
        let get = try signer.presign(
            "GET", url + "/bucket/pre%20signed?response-content-type=a%2Fb", expiresIn: 60, credentials: credentials, at: .now())
        #expect(try await status("GET", get) == 200)
        #expect(try await status("GET", get.replacing("pre%20signed", with: "chunks0")) == 403)
        let old = try signer.presign(
            "GET", url + "/bucket/pre%20signed", expiresIn: 1, credentials: credentials,
            at: Timestamp(microseconds: Timestamp.now().microseconds - 60_000_000))
        #expect(try await status("GET", old) == 403)
    }
}
