import AsyncAlgorithms

/// One sender and one receiver: buffered with backpressure, or from hand to hand with capacity 0.
func channels(capacity: Int) async {
  let count = 100_000
  let clock = ContinuousClock()
  let start = clock.now
  let sum = capacity > 0 ? await buffered(capacity, count) : await handedOver(count)
  printEach(clock.now - start, count)
  precondition(sum == count * (count - 1) / 2)
}

private func buffered(_ capacity: Int, _ count: Int) async -> Int {
  var sum = 0
  for await number in (0..<count).async.buffer(policy: .bounded(capacity)) { sum += number }
  return sum
}

private func handedOver(_ count: Int) async -> Int {
  let channel = AsyncChannel<Int>()
  Task.detached {
    for number in 0..<count { await channel.send(number) }
    channel.finish()
  }
  return await Task.detached {
    var sum = 0
    for await number in channel { sum += number }
    return sum
  }.value
}

func pingPong() async {
  let count = 30_000
  let there = AsyncChannel<Int>()
  let back = AsyncChannel<Int>()
  let clock = ContinuousClock()
  let start = clock.now
  let asking = Task.detached {
    var answers = back.makeAsyncIterator()
    for number in 0..<count {
      await there.send(number)
      _ = await answers.next()
    }
    there.finish()
  }
  let answering = Task.detached { for await number in there { await back.send(number) } }
  await asking.value
  await answering.value
  printEach(clock.now - start, count)
}
