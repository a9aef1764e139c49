package import CLinux

/// What a program that `posix_spawn` starts has of this process's descriptors.
package enum ProgramDescriptors {
    /// Nothing from `first` on, whoever opens descriptors meanwhile. The last of the actions.
    package static func close(from first: Int32, in actions: inout posix_spawn_file_actions_t) {
        cl_spawn_close_from(&actions, first)
    }
}
