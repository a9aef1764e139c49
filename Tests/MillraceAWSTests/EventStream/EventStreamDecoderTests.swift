import MillraceAWS
import MillraceCounterparts
import Testing

@Suite(.ownThreads) struct EventStreamDecoderTests {
    private static let messages = [
        EventStreamMessage(
            headers: [.init(":message-type", .string("event")), .init(":event-type", .string("delta"))],
            payload: Array("{\"a\":\"ü\"}".utf8)),
        EventStreamMessage(),
        EventStreamMessage(headers: everyType, payload: [0]),
        EventStreamMessage(headers: [.init("x", .string(""))]),
    ]

    private static let everyType: [EventStreamMessage.Header] = [
        .init("true", .bool(true)), .init("false", .bool(false)), .init("byte", .int8(-2)), .init("short", .int16(-300)),
        .init("integer", .int32(.min)), .init("long", .int64(.max)), .init("bytes", .bytes([0, 255])), .init("string", .string("wörld")),
        .init("timestamp", .timestamp(milliseconds: -1)), .init("uuid", .uuid(Array(0..<16))),
    ]

    private static let stream = messages.flatMap(EventStreamEncoder.encode)

    /// What comes of a stream in pieces: messages, and how it ended.
    private static func decode(_ pieces: [ArraySlice<UInt8>]) -> (messages: [EventStreamMessage], failure: EventStreamDecoder.Failure?) {
        var decoder = EventStreamDecoder()
        var messages: [EventStreamMessage] = []
        do throws(EventStreamDecoder.Failure) {
            for piece in pieces {
                piece.withUnsafeBytes { decoder.receive($0) }
                while let message = try decoder.next() { messages.append(message) }
            }
            try decoder.end()
            return (messages, nil)
        } catch { return (messages, error) }
    }

    private static func decode(_ bytes: [UInt8]) -> (messages: [EventStreamMessage], failure: EventStreamDecoder.Failure?) {
        decode([bytes[...]])
    }

    /// A message whose lengths say what they like, with check values that agree.
    private static func frame(total: UInt32, headers: UInt32, rest: [UInt8] = []) -> [UInt8] {
        var bytes = [total, headers].flatMap { value in withUnsafeBytes(of: value.bigEndian) { Array($0) } }
        let prelude = bytes.withUnsafeBytes(CRC32.checksum)
        bytes += withUnsafeBytes(of: prelude.bigEndian) { Array($0) }
        bytes += rest
        let whole = bytes.withUnsafeBytes(CRC32.checksum)
        return bytes + withUnsafeBytes(of: whole.bigEndian) { Array($0) }
    }

    private static func frame(headers: [UInt8]) -> [UInt8] {
        frame(total: UInt32(headers.count + 16), headers: UInt32(headers.count), rest: headers)
    }

    // MARK: What is right

    @Test func stream_whole_givesItsMessages() {
        let result = Self.decode(Self.stream)
        #expect(result.messages == Self.messages)
        #expect(result.failure == nil)
    }

    @Test func stream_byteByByte_givesItsMessages() {
        let result = Self.decode(Self.stream.indices.map { Self.stream[$0...$0] })
        #expect(result.messages == Self.messages)
        #expect(result.failure == nil)
    }

    @Test func stream_cutInTwoAnywhere_givesItsMessages() {
        for cut in Self.stream.indices {
            let result = Self.decode([Self.stream[..<cut], Self.stream[cut...]])
            #expect(result.messages == Self.messages && result.failure == nil, "cut at \(cut)")
        }
    }

    /// The layout of the documentation, byte by byte: written by hand, so that decoder and encoder are not only each other's mirror.
    @Test func layout_isThatOfTheDocumentation() {
        let bytes: [UInt8] = [
            0, 0, 0, 0x1D, 0, 0, 0, 0x09, 0x84, 0x8E, 0x34, 0xFE,  // 29 bytes, 9 of headers, check value
            1, 0x61, 7, 0, 4, 0x62, 0x63, 0x64, 0x65,  // a: the string bcde
            0x7B, 0x7D, 0x20, 0x21,  // payload
            0xD2, 0x3D, 0xA6, 0xCE,
        ]
        let message = EventStreamMessage(headers: [.init("a", .string("bcde"))], payload: Array("{} !".utf8))
        #expect(EventStreamEncoder.encode(message) == bytes)
        #expect(Self.decode(bytes).messages == [message])
    }

    @Test func textOfAHeader_ofAnotherType_isNil() {
        let message = Self.messages[2]
        #expect(message["string"] == "wörld")
        #expect(message["byte"] == nil && message["nothing"] == nil)
    }

    @Test func messageAtTheLimits_isTaken() throws {
        let value = EventStreamMessage.HeaderValue.bytes([UInt8](repeating: 7, count: 65_000))
        let message = EventStreamMessage(
            headers: [.init("a", value), .init("b", value)], payload: [UInt8](repeating: 1, count: EventStreamDecoder.payloadLimit))
        let result = Self.decode(EventStreamEncoder.encode(message))
        #expect(result.failure == nil)
        #expect(result.messages == [message])
    }

    // MARK: What is wrong

    /// A flipped bit anywhere is noticed: what came before it is handed on, nothing that is wrong is.
    @Test(arguments: [UInt8(1), 0x80, 0xFF])
    func stream_withAByteChanged_isRefusedThere(mask: UInt8) {
        var ends: [Int] = []
        for message in Self.messages { ends.append((ends.last ?? 0) + EventStreamEncoder.encode(message).count) }
        for place in Self.stream.indices {
            var bytes = Self.stream
            bytes[place] ^= mask
            let whole = ends.filter { $0 <= place }.count
            for result in [Self.decode(bytes), Self.decode(bytes.indices.map { bytes[$0...$0] })] {
                #expect(result.failure == .preludeChecksum || result.failure == .messageChecksum, "byte \(place)")
                #expect(result.messages == Array(Self.messages[..<whole]), "byte \(place)")
            }
        }
    }

    @Test func stream_thatEndsWithinAMessage_isCut() {
        let first = EventStreamEncoder.encode(Self.messages[0])
        for length in 1..<first.count {
            let result = Self.decode(Array(first[..<length]))
            #expect(result.failure == .cut(at: length))
            #expect(result.messages.isEmpty)
        }
        #expect(Self.decode(first + first[..<5]).failure == .cut(at: 5))
    }

    @Test(
        arguments: [
            (0, 0), (15, 0), (16, 1), (20, 5), (0xFFFF_FFFF, 0), (0x8000_0000, 0), (0x7FFF_FFFF, 16), (16, 0xFFFF_FFFF),
            (0xFFFF_FFFF, 0xFFFF_FFFF),
            (200_000, 131_073), (25_165_841, 0),
        ] as [(UInt32, UInt32)])
    func lengthsThatLie_areRefusedWithTheirPrelude(total: UInt32, headers: UInt32) {
        let bytes = Array(Self.frame(total: total, headers: headers).prefix(12))
        let failure = Self.decode(bytes).failure
        switch failure {
        case .lengths, .headersTooLong, .payloadTooLong: break
        default: Issue.record("\(total), \(headers): \(failure.map { "\($0)" } ?? "taken")")
        }
    }

    @Test(
        arguments: [
            ("no name", [0, 7, 0, 1, 65]), ("unknown type", [1, 65, 10]), ("type missing", [1, 65]), ("name cut", [5, 65, 66]),
            ("string cut", [1, 65, 7, 0, 2, 65]), ("its length cut", [1, 65, 7, 0]), ("number cut", [1, 65, 5, 1, 2, 3]),
            ("uuid cut", [1, 65, 9, 1, 2, 3]), ("bytes cut", [1, 65, 6, 0xFF, 0xFF, 1]), ("name not UTF-8", [1, 0xFF, 0]),
            ("string not UTF-8", [1, 65, 7, 0, 1, 0xC3]), ("twice", [1, 65, 0, 1, 65, 1]), ("rest", [1, 65, 0, 9]),
        ] as [(String, [UInt8])])
    func headersThatCannotBeRead_areRefused(what: String, headers: [UInt8]) {
        let result = Self.decode(Self.frame(headers: headers))
        guard case .header = result.failure else {
            Issue.record("\(what): \(result)")
            return
        }
        #expect(result.messages.isEmpty)
    }

    @Test(arguments: [(0, 15), (0, 16), (3, 17), (16, 17), (20, 300)])
    func header_thatIsThereTwiceAmongMany_isRefused(first: Int, second: Int) {
        var headers = (0...second).map { EventStreamMessage.Header("header-\($0)", .bool(true)) }
        #expect(Self.decode(EventStreamEncoder.encode(EventStreamMessage(headers: headers))).messages.first?.headers == headers)
        headers[second] = .init("header-\(first)", .bool(false))
        let failure = Self.decode(EventStreamEncoder.encode(EventStreamMessage(headers: headers))).failure
        #expect(failure == .header("the header 'header-\(first)' is there twice"))
    }

    @Test func decoder_afterAFailure_staysAtIt() {
        var decoder = EventStreamDecoder()
        var bytes = EventStreamEncoder.encode(Self.messages[0])
        bytes[0] ^= 1
        bytes.withUnsafeBytes { decoder.receive($0) }
        #expect(throws: EventStreamDecoder.Failure.preludeChecksum) { try decoder.next() }
        Self.stream.withUnsafeBytes { decoder.receive($0) }
        #expect(throws: EventStreamDecoder.Failure.preludeChecksum) { try decoder.next() }
        #expect(throws: EventStreamDecoder.Failure.preludeChecksum) { try decoder.end() }
    }
}
