/// Calls `body` where no task can be suspended: exit tests are closures of asynchronous functions,
/// which must not call what blocks a thread.
public func synchronously(_ body: () throws -> Void) throws { try body() }
