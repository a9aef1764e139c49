import MillraceAWS
import MillraceCore
import MillraceCounterparts
import MillraceHTTPClient
import Testing

@Suite(.ownThreads) struct AWSChunkedEncoderTests {
    /// The credentials and the time of the examples in the Amazon S3 API Reference.
    private static let credentials = AWSCredentials(
        accessKeyID: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", origin: "the example")
    private static let time = Timestamp(microseconds: 1_369_353_600_000_000)
    private static let signer = SigV4Signer(service: "s3", region: "us-east-1", pathStyle: .s3, sendsContentHash: true)
    private static let body = [UInt8](repeating: UInt8(ascii: "a"), count: 66560)

    private func sign(
        _ payload: SigV4Signer.Payload, _ body: HTTPClientRequest.Body = .bytes(body), headers: HTTPClientHeaders = HTTPClientHeaders()
    ) throws -> HTTPClientRequest {
        var request = HTTPClientRequest(
            method: "PUT", url: "https://s3.amazonaws.com/examplebucket/chunkObject.txt", headers: headers, body: body)
        try Self.signer.sign(&request, payload: payload, credentials: Self.credentials, at: Self.time)
        return request
    }

    private func bytes(_ request: HTTPClientRequest) throws -> [UInt8] {
        guard case .bytes(let bytes) = request.body else { throw MillraceError(.internal, "the body is no bytes") }
        return bytes
    }

    private static func framed(_ signatures: [String], _ trailer: String = "") -> [UInt8] {
        var frames: [UInt8] = []
        for (signature, size) in zip(signatures, [65536, 1024, 0]) {
            frames += Array("\(String(size, radix: 16));chunk-signature=\(signature)\r\n".utf8) + body.prefix(size)
            if size > 0 { frames += [13, 10] }
        }
        return frames + Array("\(trailer)\r\n".utf8)
    }

    private static let documented = framed([
        "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    ])
    private static let documentedWithTrailer = framed(
        [
            "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
            "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
            "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
        ],
        "x-amz-checksum-crc32c:sOO8/Q==\r\n"
            + "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n")

    /// "Signature Calculations for the Authorization Header: Transferring Payload in Multiple Chunks", whose request signs its length.
    private func documentedSeed() throws -> SigV4Signature {
        var headers: HTTPClientHeaders = [
            "Host": "s3.amazonaws.com", "x-amz-storage-class": "REDUCED_REDUNDANCY", "Content-Encoding": "aws-chunked",
            "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "x-amz-decoded-content-length": "66560",
            "Content-Length": "66824",
        ]
        return Self.signer.sign(
            method: "PUT", path: "/examplebucket/chunkObject.txt", query: "", &headers, payloadHash: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
            credentials: Self.credentials, at: Self.time)
    }

    @Test func documentedExample_hasItsSignaturesAndLength() throws {
        let seed = try documentedSeed()
        #expect(seed.signature == "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9")
        var encoder = AWSChunkedEncoder(decodedLength: 66560, seed: seed, trailer: nil)
        let frames = try encoder.encode(Self.body) + encoder.finish()
        #expect(frames == Self.documented)
        #expect(frames.count == 66824)
        #expect(AWSChunkedEncoder.encodedLength(decodedLength: 66560, isSigned: true, trailer: nil) == 66824)
    }

    @Test func documentedExampleWithTrailer_hasItsSignatures() throws {
        let request = try sign(.signedChunks(trailer: .crc32c), headers: ["x-amz-storage-class": "REDUCED_REDUNDANCY"])
        #expect(
            request.headers["Authorization"]?.hasSuffix("106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e") == true)
        #expect(try bytes(request) == Self.documentedWithTrailer)
        #expect(AWSChunkedEncoder.encodedLength(decodedLength: 66560, isSigned: true, trailer: .crc32c) == Self.documentedWithTrailer.count)
    }

    @Test func pieces_giveTheSameFramesHoweverTheyAreCut() throws {
        let seed = try documentedSeed()
        for size in [1, 7, 1024, 8192, 65535, 65536, 65537, 66559] {
            var encoder = AWSChunkedEncoder(decodedLength: 66560, seed: seed, trailer: nil)
            var frames: [UInt8] = []
            for start in stride(from: 0, to: Self.body.count, by: size) {
                frames += try encoder.encode(Array(Self.body[start..<min(start + size, Self.body.count)]))
            }
            frames += try encoder.finish()
            #expect(frames == Self.documented, "pieces of \(size)")
        }
        // One cut at every place of a short body.
        let short = Array("The quick brown fox".utf8)
        func encode(_ pieces: [[UInt8]]) throws -> [UInt8] {
            var encoder = AWSChunkedEncoder(decodedLength: short.count, seed: seed, trailer: .sha256, chunkSize: 8)
            return try pieces.reduce(into: []) { $0 += try encoder.encode($1) } + encoder.finish()
        }
        let whole = try encode([short])
        for cut in 0...short.count { #expect(try encode([Array(short[..<cut]), [], Array(short[cut...])]) == whole) }
    }

    @Test(arguments: BodyChecksum.Algorithm.allCases) func encodedLength_isTheLengthOfTheFrames(_ trailer: BodyChecksum.Algorithm) throws {
        let seed = try documentedSeed()
        for count in [0, 1, 9, 15, 16, 17, 160, 255, 256, 257, 4096] {
            for (seed, trailer) in [(seed, trailer), (seed, nil), (nil, trailer), (SigV4Signature?.none, BodyChecksum.Algorithm?.none)] {
                var encoder = AWSChunkedEncoder(decodedLength: count, seed: seed, trailer: trailer, chunkSize: 16)
                let frames = try encoder.encode([UInt8](repeating: 7, count: count)) + encoder.finish()
                let length = AWSChunkedEncoder.encodedLength(
                    decodedLength: count, isSigned: seed != nil, trailer: trailer, chunkSize: 16)
                #expect(frames.count == length)
            }
        }
    }

    @Test func unsignedChunks_haveSizesAndAChecksum() throws {
        let request = try sign(.unsignedChunks(trailer: .crc32), .bytes(Array("Hello world".utf8)))
        #expect(request.headers["X-Amz-Content-Sha256"] == "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
        #expect(request.headers["X-Amz-Trailer"] == "x-amz-checksum-crc32")
        #expect(request.headers["X-Amz-Decoded-Content-Length"] == "11")
        #expect(request.headers["Content-Encoding"] == "aws-chunked")
        #expect(
            String(decoding: try bytes(request), as: UTF8.self) == "b\r\nHello world\r\n0\r\nx-amz-checksum-crc32:i9aeUg==\r\n\r\n")
        for name in ["content-encoding", "x-amz-decoded-content-length", "x-amz-trailer"] {
            #expect(request.headers["Authorization"]?.contains(name) == true)
        }
    }

    @Test func stream_isFramedAsItIsPulledAndSaysItsLength() async throws {
        let pieces = Locked([Array(Self.body[..<1000]), [], Array(Self.body[1000...])])
        let stream = HTTPClientRequest.Body.stream(length: Self.body.count) {
            pieces.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        }
        let request = try sign(
            .signedChunks(trailer: .crc32c), stream,
            headers: ["Content-Length": "66560", "content-encoding": "gzip", "x-amz-storage-class": "REDUCED_REDUNDANCY"])
        guard case .stream(let length, let next) = request.body else { throw MillraceError(.internal, "the body is no stream") }
        var frames: [UInt8] = []
        while let piece = try await next() {
            #expect(!piece.isEmpty)
            frames += piece
        }
        #expect(length == frames.count)
        #expect(frames.count == Self.documentedWithTrailer.count)
        #expect(try await next() == nil)
        #expect(request.headers["Content-Encoding"] == "aws-chunked,gzip")
        #expect(request.headers["Content-Length"] == nil)
    }

    @Test func bodyOfAnotherLengthThanItsOwn_isRefused() throws {
        var longer = AWSChunkedEncoder(decodedLength: 3, seed: nil, trailer: .crc32)
        #expect(throws: MillraceError.self) { try longer.encode([1, 2, 3, 4]) }
        var shorter = AWSChunkedEncoder(decodedLength: 3, seed: nil, trailer: .crc32)
        #expect(try shorter.encode([1, 2]) == [])
        #expect(throws: MillraceError.self) { try shorter.finish() }
    }

    @Test func streamOfUnknownLength_isRefused() throws {
        let error = #expect(throws: MillraceError.self) { try sign(.signedChunks(), .stream(length: nil) { nil }) }
        #expect(error?.code == .invalidInput)
    }

    @Test func framedRequest_isNotFramedTwice() throws {
        var request = try sign(.signedChunks())
        #expect(throws: MillraceError.self) {
            try Self.signer.sign(&request, payload: .signedChunks(), credentials: Self.credentials, at: Self.time)
        }
    }

    @Test(arguments: [
        // The check values of "123456789" in the catalogue of parametrised CRC algorithms, and SHA-256 of "abc" (FIPS 180-4).
        (BodyChecksum.Algorithm.crc32, "123456789", "y/Q5Jg=="), (.crc32c, "123456789", "4waSgw=="),
        (.sha256, "abc", "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="), (.crc32, "", "AAAAAA=="), (.crc32c, "", "AAAAAA=="),
    ])
    func checksum_hasItsKnownValueAtEveryCut(_ algorithm: BodyChecksum.Algorithm, _ text: String, _ expected: String) {
        let bytes = Array(text.utf8)
        for cut in 0...bytes.count {
            var checksum = BodyChecksum(algorithm)
            checksum.update(bytes[..<cut])
            checksum.update(bytes[cut...])
            #expect(checksum.finish() == expected)
        }
    }

    @Test func castagnoliOfLongBytes_isTheSameByEightAndByOne() {
        // RFC 3720, appendix B.4: 32 bytes of zeroes, ones, and ascending.
        for (bytes, expected) in [
            ([UInt8](repeating: 0, count: 32), UInt32(0x8A91_36AA)), (.init(repeating: 0xFF, count: 32), 0x62A8_AB43),
            (Array(0..<32), 0x46DD_794E),
        ] {
            var whole = CRC32C()
            bytes.withUnsafeBytes { whole.update($0) }
            var single = CRC32C()
            for byte in bytes { [byte].withUnsafeBytes { single.update($0) } }
            #expect(whole.value == expected)
            #expect(single.value == expected)
        }
    }
}
