import Glibc

/// A growable queue of bytes: appended at the end, consumed from the front.
///
/// The hot paths (parsing a request, encoding an event, filling a socket) write into one of these directly. It owns its memory and
/// gives it back with ``release()`` so that an idle connection costs nothing.
public struct ByteBuffer: ~Copyable, @unchecked Sendable {  // Sendable: noncopyable, so one owner at a time touches the memory.
    @usableFromInline var base: UnsafeMutablePointer<UInt8>?
    @usableFromInline var head = 0
    @usableFromInline var tail = 0
    @usableFromInline var size = 0
    /// The bytes of memory held.
    @inlinable public var capacity: Int { size }

    /// An empty buffer, which holds no memory until the first append.
    public init() {}

    /// An empty buffer with room for `capacity` bytes.
    public init(capacity: Int) {
        reserve(capacity)
    }

    deinit { free(base) }

    /// The bytes that wait to be consumed.
    @inlinable public var count: Int { tail &- head }
    /// Whether nothing waits to be consumed.
    @inlinable public var isEmpty: Bool { tail == head }

    /// Makes room for `extra` more bytes.
    @inlinable
    public mutating func reserve(_ extra: Int) {
        if size &- tail >= extra { return }
        makeRoom(for: extra)
    }

    /// Gives a buffer that holds no memory room for exactly that many bytes, for bytes that are kept for long; one that has memory stays as it
    /// is.
    public mutating func reserve(exactly capacity: Int) {
        guard base == nil, capacity > 0 else { return }
        guard let memory = malloc(capacity) else { fatalError("out of memory: a buffer of \(capacity) bytes") }
        base = memory.assumingMemoryBound(to: UInt8.self)
        size = capacity
    }

    @inline(never) @usableFromInline
    mutating func makeRoom(for extra: Int) {
        if head > 0, let base {
            memmove(base, base + head, count)
            tail -= head
            head = 0
        }
        guard size - tail < extra else { return }
        var wanted = max(size * 2, 256)
        while wanted - tail < extra { wanted *= 2 }
        guard let grown = realloc(base, wanted) else { fatalError("out of memory: a buffer of \(wanted) bytes") }
        base = grown.assumingMemoryBound(to: UInt8.self)
        size = wanted
    }

    /// Appends the bytes that `bytes` points to.
    @inlinable
    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        reserve(bytes.count)
        UnsafeMutableRawPointer(base.unsafelyUnwrapped + tail).copyMemory(from: source, byteCount: bytes.count)
        tail &+= bytes.count
    }

    /// Appends a literal.
    @inlinable
    public mutating func append(_ literal: StaticString) {
        append(UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }

    /// Appends the UTF-8 of `text`. Disfavoured, because a literal would become a string here first.
    @_disfavoredOverload
    public mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// Appends the bytes of an array.
    public mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { append($0) }
    }

    /// Appends what waits in another buffer.
    public mutating func append(_ other: borrowing ByteBuffer) {
        other.withBytes { append($0) }
    }

    /// Appends one byte.
    @inlinable
    public mutating func append(byte: UInt8) {
        reserve(1)
        base.unsafelyUnwrapped[tail] = byte
        tail &+= 1
    }

    /// Appends `value` in decimal.
    public mutating func append(decimal value: Int) {
        reserve(20)
        let base = base.unsafelyUnwrapped
        var rest = value.magnitude
        if value < 0 {
            base[tail] = UInt8(ascii: "-")
            tail &+= 1
        }
        var digits = 1
        var bound: UInt = 10
        while digits < 20, rest >= bound {
            digits &+= 1
            let (next, overflow) = bound.multipliedReportingOverflow(by: 10)
            if overflow { break }
            bound = next
        }
        var position = tail &+ digits
        tail = position
        repeat {
            position &-= 1
            base[position] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
    }

    /// Appends `value` as lower-case hexadecimal digits, padded with zeros to `width`.
    public mutating func append(hexadecimal value: Int, width: Int = 1) {
        var digits = max(width, 1)
        while digits < 16, value >> (digits * 4) != 0 { digits += 1 }
        reserve(digits)
        let base = base.unsafelyUnwrapped
        for i in 0..<digits {
            let digit = UInt8(truncatingIfNeeded: (value >> ((digits - 1 - i) * 4)) & 15)
            base[tail &+ i] = digit < 10 ? UInt8(ascii: "0") &+ digit : UInt8(ascii: "a") &- 10 &+ digit
        }
        tail &+= digits
    }

    /// Overwrites bytes that were appended earlier, `offset` bytes after the front.
    public mutating func overwrite(at offset: Int, hexadecimal value: Int, width: Int) {
        precondition(offset >= 0 && offset + width <= count, "overwrite outside the buffer")
        let start = base.unsafelyUnwrapped + head + offset
        var rest = UInt(bitPattern: value)
        var place = width
        while place > 0 {
            place &-= 1
            let digit = UInt8(truncatingIfNeeded: rest & 15)
            start[place] = digit < 10 ? UInt8(ascii: "0") &+ digit : UInt8(ascii: "a") &- 10 &+ digit
            rest &>>= 4
        }
    }

    /// Lets `body` write up to `capacity` bytes at the end; it returns how many it wrote.
    @inlinable
    public mutating func appendUninitialized(capacity: Int, _ body: (UnsafeMutableRawBufferPointer) -> Int) -> Int {
        reserve(capacity)
        let written = body(UnsafeMutableRawBufferPointer(start: base.unsafelyUnwrapped + tail, count: capacity))
        precondition(written >= 0 && written <= capacity, "wrote outside the buffer")
        tail &+= written
        return written
    }

    /// The bytes that wait, valid only inside `body`.
    @inlinable
    public func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try body(UnsafeRawBufferPointer(start: base.map { UnsafeRawPointer($0 + head) }, count: count))
    }

    /// A copy of the bytes that wait.
    public var bytes: [UInt8] { withBytes { [UInt8]($0) } }
    /// The bytes that wait, read as UTF-8 (invalid sequences become U+FFFD).
    public var string: String { withBytes { String(decoding: $0, as: UTF8.self) } }

    /// Drops `count` bytes from the front.
    @inlinable
    public mutating func consume(_ count: Int) {
        precondition(count >= 0 && count <= self.count, "consumed more than there is")
        head &+= count
        if head == tail {
            head = 0
            tail = 0
        }
    }

    /// Drops what was appended after the first `count` bytes.
    public mutating func truncate(to count: Int) {
        precondition(count >= 0 && count <= self.count, "truncated to more than there is")
        tail = head &+ count
    }

    /// Gives back memory behind the last byte, for bytes that are kept for long.
    public mutating func shrink() {
        guard size - tail > 64, let base else { return }
        guard let smaller = realloc(base, max(tail, 1)) else { return }
        self.base = smaller.assumingMemoryBound(to: UInt8.self)
        size = max(tail, 1)
    }

    /// Drops all bytes and keeps the memory.
    public mutating func removeAll() {
        head = 0
        tail = 0
    }

    /// Drops all bytes and gives the memory back.
    public mutating func release() {
        free(base)
        base = nil
        size = 0
        head = 0
        tail = 0
    }
}
