import MiniAsync
import TestSupport
import Testing

/// Random trees of futures of every kind, driven by every kind of waiter, against a model: a tree
/// knows its output beforehand.
@Suite struct RandomProgramTests {
  /// A tree of futures, and what must come of it.
  struct Program: Sendable {
    indirect enum Node: Sendable {
      case complete(Int)
      case signalled(Int, Int)
      case watching(Int)
      case repeated(Int, Int)
      case selfWaking(Int)
      case map(Node, Int)
      case then(Node, Node)
      case chain(Node, Node, Node, finishAt: Int)
      case skipped(Node, Bool)
      case both(Node, Node)
      case all([Node])
    }
    var root: Node
    var signals: [Signal] = []
    var words: [Word] = []
  }

  static func random(
    depth: Int, _ seed: inout Seed, _ program: inout Program
  ) -> Program.Node {
    let value = Int.random(in: 0..<100, using: &seed)
    let kind = Int.random(in: 0..<(depth > 0 ? 12 : 5), using: &seed)
    func child() -> Program.Node { random(depth: depth - 1, &seed, &program) }
    switch kind {
    case 0: return .complete(value)
    case 1:
      program.signals.append(Signal())
      return .signalled(program.signals.count - 1, value)
    case 2:
      program.words.append(Word())
      return .watching(program.words.count - 1)
    case 3: return .repeated(Int.random(in: 1..<20, using: &seed), value)
    case 4: return .selfWaking(Int.random(in: 1..<20, using: &seed))
    case 5: return .map(child(), value)
    case 6: return .then(child(), child())
    case 7:
      return .chain(child(), child(), child(), finishAt: Int.random(in: 0..<5, using: &seed))
    case 8: return .skipped(child(), Bool.random(using: &seed))
    case 9: return .both(child(), child())
    default: return .all((0..<Int.random(in: 0..<5, using: &seed)).map { _ in child() })
    }
  }

  static func expected(_ node: Program.Node) -> Int {
    switch node {
    case .complete(let value), .signalled(_, let value), .repeated(_, let value): value
    case .watching: 1
    case .selfWaking: 0
    case .map(let base, let value): expected(base) &* 3 &+ value
    case .then(let first, let second): expected(first) &+ expected(second) &* 7
    case .chain(let a, let b, let c, let finishAt):
      switch finishAt {
      case 0: expected(a)
      case 1: expected(a) &+ expected(b)
      default: expected(a) &+ expected(b) &+ expected(c)
      }
    case .skipped(let base, let isSkipped): isSkipped ? -1 : expected(base)
    case .both(let a, let b): expected(a) &- expected(b)
    case .all(let nodes): nodes.reduce(5) { $0 &* 31 &+ expected($1) }
    }
  }

  static func future(_ node: Program.Node, _ program: Program, _ drops: Counter) -> AnyFuture<Int> {
    func make(_ node: Program.Node) -> AnyFuture<Int> { future(node, program, drops) }
    switch node {
    case .complete(let value): return AnyFuture(Dropping(CompletedFuture(value), drops))
    case .signalled(let index, let value):
      return AnyFuture(
        Dropping(
          Signalled(program.signals[index], value: value, isAsync: index % 2 == 0), drops))
    case .watching(let index):
      return AnyFuture(Dropping(Watching(word: program.words[index]), drops))
    case .repeated(let polls, let value):
      return AnyFuture(Dropping(Repeated(polls: polls, value: value), drops))
    case .selfWaking(let polls): return AnyFuture(Dropping(SelfWaking(polls: polls), drops))
    case .map(let base, let value): return AnyFuture(make(base).map { $0 &* 3 &+ value })
    case .then(let first, let second):
      return AnyFuture(
        make(first).then { output in make(second).map { output &+ $0 &* 7 } })
    case .chain(let a, let b, let c, let finishAt):
      return AnyFuture(
        Chain(output: 0, first: make(a))
          .then(make(b)) { chain, output, _ in
            chain.output = chain.output &+ output
            if finishAt == 0 { chain.finish() }
          }
          .thenLazily { chain, output in
            chain.output = chain.output &+ output
            if finishAt == 1 { chain.finish() }
            return make(c)
          }
          .mapOutput { chain, output in chain.output = chain.output &+ output })
    case .skipped(let base, let isSkipped):
      return AnyFuture(Skippable(isSkipped ? nil : make(base)).map { $0 ?? -1 })
    case .both(let a, let b): return AnyFuture(make(a).and(make(b)).map { $0.0 &- $0.1 })
    case .all(let nodes):
      return AnyFuture(AllOf(nodes.map(make)).map { $0.reduce(5) { $0 &* 31 &+ $1 } })
    }
  }

  struct Fixture {
    var programs: [Program]
    var expected: [Int]
    let drops = Counter()

    init(_ seed: inout Seed) {
      programs = []
      expected = []
      for _ in 0..<Int.random(in: 1..<12, using: &seed) {
        var program = Program(root: .complete(0))
        program.root = random(depth: 3, &seed, &program)
        programs.append(program)
        expected.append(RandomProgramTests.expected(program.root))
      }
    }

    func futures() -> [AnyFuture<Int>] { programs.map { future($0.root, $0, drops) } }

    /// Fires everything, in random order, from another thread.
    func fire(_ seed: inout Seed) {
      let programs = programs
      var actions: [@Sendable () -> Void] = []
      for program in programs {
        for signal in program.signals { actions.append { signal.fire() } }
        for word in program.words { actions.append { word.set(1) } }
      }
      actions.shuffle(using: &seed)
      let pauses = actions.map { _ in Int.random(in: 0..<200, using: &seed) }
      let all = Array(zip(actions, pauses))
      TestThread {
        for (action, pause) in all {
          spin(pause)
          action()
        }
      }.detach()
    }
  }

  @Test func `random programs, waited for`() {
    var seed = Seed()
    let runtime = Runtime()
    for _ in 0..<150 * stressFactor {
      let fixture = Fixture(&seed)
      var futures = fixture.futures()
      fixture.fire(&seed)
      switch Int.random(in: 0..<4, using: &seed) {
      case 0: runtime.waitMultiple(&futures)
      case 1: for index in futures.indices { runtime.wait(&futures[index]) }
      case 2:
        var group = FutureGroup<AnyFuture<Int>>()
        for future in futures { group.add(future) }
        var outputs = [Int?](repeating: nil, count: futures.count)
        while let done = runtime.next(&group) { outputs[done.id] = done.output }
        #expect(outputs == fixture.expected, "\(seed)")
        for index in futures.indices { futures[index].poll() }
      default:
        var all = AllOf(futures)
        let outputs = runtime.wait(&all)
        #expect(outputs == fixture.expected, "\(seed)")
        for index in futures.indices { futures[index].poll() }
      }
      #expect(futures.map(\.output) == fixture.expected, "\(seed)")
    }
  }

  @Test func `random programs, awaited`() async {
    var seed = Seed()
    for _ in 0..<20 * stressFactor {
      let fixture = Fixture(&seed)
      fixture.fire(&seed)
      for index in fixture.programs.indices {
        let output = await RandomProgramTests.future(
          fixture.programs[index].root, fixture.programs[index], fixture.drops
        ).value()
        #expect(output == fixture.expected[index], "\(seed)")
      }
    }
  }
}
