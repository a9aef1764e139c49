/// A value that is kept in memory of its own and shared by all copies, until one of them changes it: for large values that are kept for long
/// in several places, or that an async frame would otherwise hold a copy of.
package struct OutOfLine<Value: Sendable>: Sendable {
    /// Sendable: it is changed only while a single copy refers to it, and exclusive access to that copy is exclusive access to the value.
    @usableFromInline
    final class Box: @unchecked Sendable {
        @exclusivity(unchecked) @usableFromInline var value: Value
        @inlinable init(_ value: Value) { self.value = value }
    }

    @usableFromInline var box: Box

    /// Moves a value out of line.
    @inlinable
    package init(_ value: Value) { box = Box(value) }

    /// The value. A change copies it first where others share it.
    @inlinable
    package var value: Value {
        _read { yield box.value }
        _modify {
            if !isKnownUniquelyReferenced(&box) { box = Box(box.value) }
            yield &box.value
        }
    }
}

extension OutOfLine: Equatable where Value: Equatable {
    package static func == (left: OutOfLine, right: OutOfLine) -> Bool {
        left.box === right.box || left.value == right.value
    }
}
