import MillraceCore

/// The executor of one activity on a loop: a task that prefers it runs on the loop's thread, and the loop knows whose work it runs.
///
/// A run's tasks share one, named after the handler, so that a handler that blocks the loop can be reported by name.
package final class LoopExecutor: TaskExecutor {
    /// The loop that runs the jobs.
    package let loop: EventLoop
    /// What the activity is called in the log.
    package let name: ActivityName

    /// An executor on `loop` for the activity `name`.
    package init(loop: EventLoop, name: ActivityName) {
        self.loop = loop
        self.name = name
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        loop.enqueue(LoopJob(job: UnownedJob(job), executor: self))
    }

    package func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }
}

/// A Swift job and the executor that it was handed to.
struct LoopJob: Sendable {
    let job: UnownedJob
    let executor: LoopExecutor
}

/// An activity's name as a small number, so that another thread can read what a loop is doing without a lock.
package struct ActivityName: Hashable, Sendable, CustomStringConvertible {
    private static let names = Locked<(list: [String], indices: [String: Int])>(([], [:]))
    let index: Int

    /// The number of that name; the same name gives the same number for the life of the process.
    package init(_ name: String) {
        index = Self.names.withLock { names in
            if let index = names.indices[name] { return index }
            names.list.append(name)
            names.indices[name] = names.list.count - 1
            return names.list.count - 1
        }
    }

    init(index: Int) { self.index = index }

    package var description: String { Self.names.withLock { $0.list[index] } }
}
