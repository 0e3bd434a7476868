import Glibc
import RungCore
import RungEngine
import RungExec
import RungModel
import RungPlan
import Synchronization
import Testing

/// Bytes that go missing or rot, steps that fail, runs that are stopped or meet each other.
@Suite struct DamageStories {
  @Test func aDeletedResultInTheMiddleIsMadeAgainWhenSomethingNeedsIt() throws {
    let lab = EditStories.lab()
    _ = try lab.run()
    let digest = try #require(try lab.output("x/fit[width=1,seed=0]", "metrics"))
    lab.removeObject(digest)
    try EditStories.expectQuiet(lab)
    lab.overrides.parameters = [("samples", "300")]
    let plan = try lab.plan()
    #expect(
      plan.mapValues(\.reasons) == [
        "x/figure": ["parameter samples"], "x/fit[width=1,seed=0]": ["object x/fit[width=1,seed=0]"],
      ])
    let ran = try lab.run()
    #expect(ran.executed.contains("x/fit[width=1,seed=0]"))
    #expect(ran.counts == [2, 5, 0, 0, 0])
    #expect(lab.holds(digest))
    #expect(try lab.why("x/fit[width=1,seed=0]").reasons == ["object x/fit[width=1,seed=0]"])
    try EditStories.expectQuiet(lab)
  }

  @Test func aWholeChainOfLostResultsIsMadeAgain() throws {
    let lab = EditStories.lab()
    _ = try lab.run()
    for instance in ["x/data[seed=0]", "x/fit[width=1,seed=0]", "x/figure"] {
      lab.removeObject(
        try #require(
          try lab.output(instance, instance.contains("data") ? "set" : instance.contains("fit") ? "metrics" : "figure"))
      )
    }
    #expect(try lab.plan().keys.sorted() == ["x/data[seed=0]", "x/figure", "x/fit[width=1,seed=0]"])
    let ran = try lab.run()
    #expect(ran.counts == [3, 4, 0, 0, 0])
    try EditStories.expectQuiet(lab)
  }

  @Test func aDamagedResultIsFoundWhenItIsReadAndMadeAgain() throws {
    for (instance, name, step) in [("x/data[seed=1]", "set", "fit"), ("x/fit[width=2,seed=1]", "metrics", "figure")] {
      let lab = EditStories.lab()
      _ = try lab.run()
      let digest = try #require(try lab.output(instance, name))
      lab.damageObject(digest)
      lab.write("pipelines/x/\(step).py", "other \(step)\n")
      let ran = try lab.run()
      #expect(ran.executed.contains(instance))
      #expect(ran.summary.failed == 0)
      #expect(ran.summary.fault == nil)
      #expect(ran.summary.ran == (step == "fit" ? 6 : 2))
      #expect(lab.holds(digest))
      try EditStories.expectQuiet(lab)
    }
  }

  // Two readers may find the same bytes gone, and the second may say so when they have been made again already.
  @Test func whatRanIsCountedAsRunWhenAReaderMissedItForAMoment() throws {
    let lab = EditStories.lab()
    let session = try lab.session()
    let store = session.store
    let bytes = Mutex<[UInt8]>([])
    let executor = SimulatedExecutor(
      store: store,
      gate: { task, _ in
        guard task.instance == "x/fit[width=2,seed=1]", bytes.withLock(\.isEmpty) else { return true }
        for case .object(let digest, _) in task.files.map(\.content) {
          guard let content = try? store.read(digest, limit: 1 << 20), content.starts(with: Array("data".utf8))
          else { continue }
          bytes.withLock { $0 = content }
          // What is not published yet cannot be lost.
          try? store.flush()
          try? store.lose(digest)
        }
        return true
      })
    let ran = try lab.run(in: session, executor: executor) { _ in
    } engine: { _ in
    } observe: { event in
      guard case .warning = event else { return }
      _ = try? store.put(bytes.withLock { $0 })
    }
    #expect(ran.warnings.count == 1)
    #expect(ran.counts == [7, 0, 0, 0, 0])
    #expect(ran.executed.count == 7)
    #expect(!ran.events.contains { if case .unchanged = $0 { true } else { false } })
    #expect(try lab.why("x/data[seed=1]").reasons == ["record x/data[seed=1]"])
    try EditStories.expectQuiet(lab)
  }

  @Test func aDamagedPublishedResultIsMadeAgain() throws {
    let lab = EditStories.lab()
    _ = try lab.run()
    lab.damageObject(try #require(try lab.output("x/figure", "figure")))
    lab.remove("pipelines/x/figures/figure.txt")
    let ran = try lab.run()
    #expect(ran.executed == ["x/figure"])
    #expect(lab.read("pipelines/x/figures/figure.txt") != nil)
    try EditStories.expectQuiet(lab)
  }

  @Test func aDamagedCopyOfAProjectFileIsTakenAgainFromTheProject() throws {
    let lab = EditStories.lab()
    _ = try lab.run()
    lab.damageObject(Digest(ofText: "figure\n"))
    lab.overrides.parameters = [("samples", "300")]
    let ran = try lab.run()
    #expect(ran.counts == [1, 6, 0, 0, 0])
    try EditStories.expectQuiet(lab)
  }

  @Test func aFailureSkipsWhatDependsOnIt() throws {
    let lab = EditStories.lab()
    lab.write("pipelines/x/fit.py", "fail\n")
    let first = try lab.run(jobs: 1) { $0.keepGoing = true }
    #expect(first.counts == [2, 0, 0, 4, 1])
    #expect(first.failures.count == 4)
    #expect(first.failures.first?.exitCode == 1)
    #expect(try lab.plan()["x/fit[width=1,seed=0]"]?.reasons == ["failure x/fit[width=1,seed=0]"])
    #expect(try lab.plan()["x/figure"]?.reasons == ["upstream x/fit"])
    // Without keep-going one failure is enough.
    let second = try lab.run(jobs: 1)
    #expect(second.counts == [0, 2, 0, 1, 4])
    lab.write("pipelines/x/fit.py", "mended\n")
    #expect(try lab.plan()["x/fit[width=1,seed=0]"]?.reasons == ["input code"])
    #expect(try lab.run().counts == [5, 2, 0, 0, 0])
    #expect(try lab.why("x/fit[width=1,seed=0]").reasons == ["input code"])
    try EditStories.expectQuiet(lab)
  }

  @Test func keepGoingRunsWhatDoesNotDependOnTheFailure() throws {
    let lab = EditStories.lab()
    let flaky = Flaky()
    flaky.fail("x/fit[width=1,seed=0]", times: 1)
    let session = try lab.session()
    let first = try lab.run(
      in: session, executor: SimulatedExecutor(store: session.store, gate: { task, _ in flaky.passes(task.instance) })
    ) { $0.keepGoing = true }
    #expect(first.counts == [5, 0, 0, 1, 1])
    #expect(
      try lab.plan().mapValues(\.reasons) == [
        "x/figure": ["upstream x/fit[width=1,seed=0]"], "x/fit[width=1,seed=0]": ["failure x/fit[width=1,seed=0]"],
      ])
    #expect(try lab.run().executed == ["x/figure", "x/fit[width=1,seed=0]"])
    #expect(try lab.why("x/fit[width=1,seed=0]").reasons == ["failure x/fit[width=1,seed=0]"])
    try EditStories.expectQuiet(lab)
  }

  @Test func retriesAreCounted() throws {
    let lab = EditStories.lab()
    let text = lab.read("pipelines/x/pipeline.yaml") ?? ""
    lab.write("pipelines/x/pipeline.yaml", text.replacing("outputs: {set", with: "retries: 2\n    outputs: {set"))
    let flaky = Flaky()
    flaky.fail("x/data[seed=0]", times: 2)
    let session = try lab.session()
    let ran = try lab.run(
      in: session, executor: SimulatedExecutor(store: session.store, gate: { task, _ in flaky.passes(task.instance) }))
    #expect(ran.counts == [7, 0, 0, 0, 0])
    #expect(ran.executed.count { $0 == "x/data[seed=0]" } == 3)
    #expect(ran.events.contains { if case .retrying(_, 3, of: 3, _) = $0 { true } else { false } })
    try EditStories.expectQuiet(lab)
  }

  @Test func instancesWithEqualKeysRunOnce() throws {
    let lab = Lab()
    lab.write("pipelines/x/a.py", "a\n")
    lab.pipeline(
      """
      axes: {w: [1, 2, 3]}
      steps:
        a: {over: [w], run: "sim a {code} out {out.o}", inputs: {code: a.py}, outputs: {o: o.txt}}
        b: {run: "sim a {code} out {out.o}", inputs: {code: a.py}, outputs: {o: o.txt}}
        c: {run: "sim c {code} {a.o} {b.o} out {out.o}", inputs: {code: a.py}, outputs: {o: o.txt}}
      """)
    let ran = try lab.run(jobs: 4)
    #expect(ran.counts == [2, 3, 0, 0, 0])
    try EditStories.expectQuiet(lab, unchanged: 5)
    // Lost bytes that several instances stand for are made once, too.
    lab.removeObject(try #require(try lab.output("x/b", "o")))
    lab.write(
      "pipelines/x/pipeline.yaml", (lab.read("pipelines/x/pipeline.yaml") ?? "").replacing("sim c", with: "sim d"))
    #expect(try lab.run(jobs: 4).counts == [2, 3, 0, 0, 0])
    try EditStories.expectQuiet(lab, unchanged: 5)
  }

  @Test func aFailureUnderASharedKeyIsTriedByEachThatWantsIt() throws {
    let lab = Lab()
    lab.write("pipelines/x/a.py", "fail\n")
    lab.pipeline(
      """
      axes: {w: [1, 2, 3]}
      steps:
        a: {over: [w], run: "sim a {code} out {out.o}", inputs: {code: a.py}, outputs: {o: o.txt}}
      """)
    let ran = try lab.run(jobs: 4) { $0.keepGoing = true }
    #expect(ran.counts == [0, 0, 0, 3, 0])
  }

  @Test func aStoppedRunIsCompletedByTheNext() throws {
    for stopAt in 1...6 {
      let lab = EditStories.lab()
      let session = try lab.session()
      let box = Mutex<RunEngine.Interrupter?>(nil)
      let count = Mutex(0)
      let executor = SimulatedExecutor(
        store: session.store,
        gate: { _, stop in
          if count.withLock({
            $0 += 1; return $0
          }) == stopAt {
            box.withLock { $0?.interrupt() }
          }
          return true
        })
      let stopped = try lab.run(jobs: 1, in: session, executor: executor) { _ in
      } engine: { engine in
        box.withLock { $0 = engine.interrupter }
      }
      box.withLock { $0 = nil }
      #expect(stopped.summary.interrupted)
      #expect(stopped.summary.ran == stopAt - 1)
      #expect(stopped.summary.failed == 0)
      #expect(stopped.counts.reduce(0, +) == 7)
      let completed = try lab.run()
      #expect(completed.counts == [8 - stopAt, stopAt - 1, 0, 0, 0])
      try EditStories.expectQuiet(lab)
    }
  }

  @Test func twoRunsAtOnceRunEachStepOnce() throws {
    for _ in 0..<10 {
      let lab = EditStories.lab()
      let sessions = [try lab.session(), try lab.session()]
      let results = Mutex<[Lab.Ran]>([])
      let problems = Mutex<[String]>([])
      let box = SessionBox(sessions)
      inParallel(2) { index in
        do {
          let ran = try lab.run(in: box.sessions[index])
          results.withLock { $0.append(ran) }
        } catch {
          problems.withLock { $0.append("\(error)") }
        }
      }
      #expect(problems.withLock { $0 } == [])
      let all = results.withLock { $0 }
      #expect(all.flatMap(\.executed).sorted() == EditStories.all.sorted())
      #expect(all.map { $0.summary.ran + $0.summary.unchanged } == [7, 7])
      #expect(all.allSatisfy { $0.summary.fault == nil })
      #expect(try lab.why("x/figure").reasons == ["record x/figure"])
      try EditStories.expectQuiet(lab)
    }
  }
}

/// Fails instances a number of times.
final class Flaky: Sendable {
  private let left = Mutex<[String: Int]>([:])
  func fail(_ instance: String, times: Int) { left.withLock { $0[instance] = times } }
  func passes(_ instance: String) -> Bool {
    left.withLock { left in
      guard let count = left[instance], count > 0 else { return true }
      left[instance] = count - 1
      return false
    }
  }
}

/// Hands sessions to threads. Safe because each thread takes another one and the array is not changed.
final class SessionBox: @unchecked Sendable {
  let sessions: [Session]
  init(_ sessions: [Session]) { self.sessions = sessions }
}

/// Runs the body on plain threads and waits for them.
func inParallel(_ count: Int, _ body: @escaping (Int) -> Void) {
  final class Job {
    let run: () -> Void
    init(_ run: @escaping () -> Void) { self.run = run }
  }
  var threads: [pthread_t] = []
  for index in 0..<count {
    var thread = pthread_t()
    let job = Unmanaged.passRetained(Job { body(index) }).toOpaque()
    let code = pthread_create(
      &thread, nil,
      { context in
        if let context { Unmanaged<Job>.fromOpaque(context).takeRetainedValue().run() }
        return nil
      }, job)
    precondition(code == 0)
    threads.append(thread)
  }
  for thread in threads { pthread_join(thread, nil) }
}
