/// One deadline on a loop; a subclass says in ``fire()`` what happens then. Reusable: a connection keeps one for its whole life and sets it
/// anew. Touched on its loop only.
open class LoopTimer {
    @exclusivity(unchecked) final var setDeadline: Int64 = 0
    @exclusivity(unchecked) fileprivate final var index = -1

    /// A timer that is not set.
    public init() {}

    /// The moment that it was last set to, in nanoseconds of the monotonic clock.
    public final var deadline: Int64 { setDeadline }

    /// Whether it waits for its deadline.
    public final var isSet: Bool { index >= 0 }

    /// Called on the loop when the deadline has passed.
    open func fire() {}
}

/// A timer that calls a closure, for what there are few of: one that every stream has is a subclass of ``LoopTimer``, which is smaller.
package final class ActionTimer: LoopTimer {
    private let action: () -> Void

    /// A timer that calls `action` on its loop; nothing happens until it is set.
    package init(_ action: @escaping () -> Void) {
        self.action = action
        super.init()
    }

    override package func fire() { action() }
}

/// The timers of a loop: a binary heap in which every timer knows its place, so that setting, moving and clearing are O(log n).
package struct TimerHeap {
    private var timers: [LoopTimer] = []

    package init() {}

    /// The earliest deadline, in nanoseconds of the monotonic clock.
    package var earliest: Int64? { timers.first?.deadline }
    /// How many timers wait.
    package var count: Int { timers.count }

    /// Sets a timer, or moves one that is set.
    package mutating func set(_ timer: LoopTimer, deadline: Int64) {
        timer.setDeadline = deadline
        if timer.index < 0 {
            timer.index = timers.count
            timers.append(timer)
        }
        siftDown(siftUp(timer.index))
    }

    /// Clears a timer; nothing happens when it is not set.
    package mutating func clear(_ timer: LoopTimer) {
        let hole = timer.index
        guard hole >= 0 else { return }
        timer.index = -1
        let last = timers.removeLast()
        guard last !== timer else { return }
        place(last, at: hole)
        siftDown(siftUp(hole))
    }

    /// Takes the earliest timer if it is due.
    package mutating func popDue(now: Int64) -> LoopTimer? {
        guard let first = timers.first, first.deadline <= now else { return nil }
        clear(first)
        return first
    }

    private mutating func place(_ timer: LoopTimer, at index: Int) {
        timers[index] = timer
        timer.index = index
    }

    private mutating func siftUp(_ start: Int) -> Int {
        var index = start
        let timer = timers[index]
        while index > 0 {
            let parent = (index - 1) / 2
            guard timers[parent].deadline > timer.deadline else { break }
            place(timers[parent], at: index)
            index = parent
        }
        place(timer, at: index)
        return index
    }

    private mutating func siftDown(_ start: Int) {
        var index = start
        let timer = timers[index]
        while true {
            var child = 2 * index + 1
            guard child < timers.count else { break }
            if child + 1 < timers.count, timers[child + 1].deadline < timers[child].deadline { child += 1 }
            guard timers[child].deadline < timer.deadline else { break }
            place(timers[child], at: index)
            index = child
        }
        place(timer, at: index)
    }
}
