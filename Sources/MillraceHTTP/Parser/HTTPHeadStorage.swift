import Glibc

/// The memory of one request's head: its bytes, and where its parts are.
///
/// `@unchecked Sendable`: the parser changes it only while nobody else refers to it; afterwards it is only read, until the last reference is
/// gone and an ``HTTPHeadPool`` has it reused.
final class HTTPHeadStorage: @unchecked Sendable {
    struct Field: Sendable {
        var nameStart: UInt32
        var nameEnd: UInt32
        var valueStart: UInt32
        var valueEnd: UInt32

        var name: Range<Int> { Int(nameStart)..<Int(nameEnd) }
        var value: Range<Int> { Int(valueStart)..<Int(valueEnd) }
    }

    @exclusivity(unchecked) var method = HTTPMethod.get
    @exclusivity(unchecked) var version = HTTPVersion.http11
    @exclusivity(unchecked) var target = HTTPTarget()
    @exclusivity(unchecked) var framing = HTTPBodyFraming.none
    /// The `Host` header's value.
    @exclusivity(unchecked) var host: Range<Int>?
    @exclusivity(unchecked) var contentLength: Int?
    @exclusivity(unchecked) var hasTransferEncoding = false
    @exclusivity(unchecked) var expects = false
    @exclusivity(unchecked) var closes = false
    @exclusivity(unchecked) var keepsAlive = false
    @exclusivity(unchecked) var hasOrigin = false
    @exclusivity(unchecked) var hasRequestID = false
    @exclusivity(unchecked) private(set) var fieldCount = 0
    @exclusivity(unchecked) private var fieldCapacity = 0
    @exclusivity(unchecked) private var fields: UnsafeMutablePointer<Field>?
    @exclusivity(unchecked) private var byteCount = 0
    @exclusivity(unchecked) private var byteCapacity = 0
    @exclusivity(unchecked) private var bytes: UnsafeMutableRawPointer?

    init() {}

    /// A copy, for a parser that was copied in the middle of a head.
    init(copying other: HTTPHeadStorage) {
        method = other.method
        version = other.version
        target = other.target
        framing = other.framing
        host = other.host
        contentLength = other.contentLength
        hasTransferEncoding = other.hasTransferEncoding
        expects = other.expects
        closes = other.closes
        keepsAlive = other.keepsAlive
        hasOrigin = other.hasOrigin
        hasRequestID = other.hasRequestID
        for i in 0..<other.fieldCount { append(other.field(i)) }
        other.withBytes { keep($0) }
    }

    deinit {
        free(bytes)
        fields?.deallocate()
    }

    /// Ready for the next head. The method, the version and the target stand in every head; the memory stays.
    func reset() {
        framing = .none
        host = nil
        contentLength = nil
        hasTransferEncoding = false
        expects = false
        closes = false
        keepsAlive = false
        hasOrigin = false
        hasRequestID = false
        fieldCount = 0
        byteCount = 0
    }

    /// How much memory reuse would hold on to, in bytes.
    var heldBytes: Int { byteCapacity + fieldCapacity * MemoryLayout<Field>.stride }

    /// Host and port: the target's where it has one, else the `Host` header's.
    var authority: Range<Int>? { target.authority ?? host }

    func field(_ index: Int) -> Field {
        guard let fields, index < fieldCount else { preconditionFailure("there is no such header") }
        return fields[index]
    }

    func append(_ field: Field) {
        if fieldCount == fieldCapacity { growFields() }
        fields.unsafelyUnwrapped[fieldCount] = field  // Made by the line above.
        fieldCount &+= 1
    }

    private func growFields() {
        let capacity = max(8, fieldCapacity * 2)
        let grown = UnsafeMutablePointer<Field>.allocate(capacity: capacity)
        if let fields {
            grown.moveInitialize(from: fields, count: fieldCount)
            fields.deallocate()
        }
        fields = grown
        fieldCapacity = capacity
    }

    /// Copies the head's bytes, which the ranges count in.
    func keep(_ head: UnsafeRawBufferPointer) {
        guard let source = head.baseAddress else { return }
        if byteCapacity < head.count {
            free(bytes)
            byteCapacity = (head.count + 255) & ~255
            bytes = malloc(byteCapacity)
            guard bytes != nil else { fatalError("out of memory: a request's head of \(head.count) bytes") }
        }
        memcpy(bytes.unsafelyUnwrapped, source, head.count)
        byteCount = head.count
    }

    /// The head's bytes, valid only inside `body`.
    func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        withExtendedLifetime(self) { body(UnsafeRawBufferPointer(start: bytes, count: byteCount)) }
    }

    /// The first header of that name, in any case, at `start` or behind it.
    func firstIndex(of name: String, from start: Int) -> Int? {
        var name = name
        return name.withUTF8 { name in
            withBytes { bytes in
                var index = start
                search: while index < fieldCount {
                    let range = field(index).name
                    index &+= 1
                    guard range.count == name.count else { continue }
                    for i in 0..<name.count
                    where HTTPGrammar.lowercased(bytes[range.lowerBound &+ i]) != HTTPGrammar.lowercased(name[i]) { continue search }
                    return index - 1
                }
                return nil
            }
        }
    }
}

/// Storage of heads that are done with, for the next requests of a loop. Confined to the loop.
final class HTTPHeadPool: @unchecked Sendable {  // Sendable: parsers of connections that live on the loop hold it.
    @exclusivity(unchecked) private var free: [HTTPHeadStorage] = []

    private static let kept = 64
    /// Storage that holds more is not kept, in bytes.
    private static let largest = 4096

    func take() -> HTTPHeadStorage { free.popLast() ?? HTTPHeadStorage() }

    /// Takes storage back, unless somebody still reads it.
    func put(_ storage: consuming HTTPHeadStorage) {
        var storage = storage
        guard free.count < Self.kept, isKnownUniquelyReferenced(&storage), storage.heldBytes <= Self.largest else { return }
        storage.reset()
        free.append(storage)
    }
}
