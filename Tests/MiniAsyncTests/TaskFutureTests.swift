import MiniAsync
import TestSupport
import Testing

@Suite struct TaskFutureTests {
  struct Failed: Error, Equatable {}

  @Test func `an async operation is a future`() async {
    let output = await onThread {
      var future = TaskFuture {
        await Task.yield()
        return 7
      }
      let output = Runtime().wait(&future)
      precondition(future.output == 7)
      return output
    }
    #expect(output == 7)
    #expect(await TaskFuture { 5 }.value() == 5)
  }

  @Test func `what it throws is a failure`() async {
    let failed = await TaskFuture(throwing: { () throws(Failed) -> Int in throw Failed() }).value()
    #expect(failed == .failure(Failed()))
    let fine = await TaskFuture(
      priority: .high, throwing: { () throws(Failed) -> Int in 3 }
    ).value()
    #expect(fine == .success(3))
  }

  @Test func `the operation starts at the first poll, once`() async {
    let runs = Counter()
    var future = TaskFuture { runs.add() }
    expect(future.state == .idle && future.hasProperty(.async))
    for _ in 0..<20 { await Task.yield() }
    #expect(runs.value == 0)
    future.poll()
    await eventually { runs.value == 1 }
    while future.poll() != .complete { await Task.yield() }
    future.poll()
    #expect(runs.value == 1)
  }

  @Test func `tasks in a group`() async {
    let sum = await onThread {
      let runtime = Runtime()
      var group = FutureGroup<TaskFuture<Int>>()
      for index in 0..<100 {
        group.add(
          TaskFuture {
            await Task.yield()
            return index
          })
      }
      var sum = 0
      while let done = runtime.next(&group) { sum += done.id == done.output ? done.output : -1 }
      return sum
    }
    #expect(sum == 4950)
  }

  /// Whether it was cancelled, as soon as it was; `nil` cannot happen.
  static func untilCancelled(_ started: Flag, _ ended: Counter) -> TaskFuture<Bool> {
    TaskFuture {
      started.raise()
      while !Task.isCancelled { await Task.yield() }
      ended.add()
      return Task.isCancelled
    }
  }

  @Test func `cancelling the future cancels the task`() async {
    let started = Flag()
    let ended = Counter()
    var future = Self.untilCancelled(started, ended)
    future.poll()
    await eventually { started.isRaised }
    future.cancel()
    future.cancel()
    while future.poll() != .complete { await Task.yield() }
    expect(future.output == true)
    future.cancel()
    #expect(ended.value == 1)
  }

  @Test func `cancelled before its first poll, it runs as a cancelled task`() async {
    var future = TaskFuture { Task.isCancelled }
    future.cancel()
    let output = await future.value()
    #expect(output)
  }

  @Test func `dropping the future while it runs cancels the task`() async {
    let started = Flag()
    let ended = Counter()
    do {
      var future = Self.untilCancelled(started, ended)
      future.poll()
      await eventually { started.isRaised }
    }
    await eventually { ended.value == 1 }
  }

  @Test func `dropping the future before its first poll runs nothing`() async {
    let runs = Counter()
    do { _ = TaskFuture { runs.add() } }
    for _ in 0..<50 { await Task.yield() }
    #expect(runs.value == 0)
  }

  @Test func `cancelling the waiting task passes through to the operation`() async {
    let started = Flag()
    let ended = Counter()
    let task = Task { await Self.untilCancelled(started, ended).value() }
    await eventually { started.isRaised }
    task.cancel()
    #expect(await task.value)
  }
}
