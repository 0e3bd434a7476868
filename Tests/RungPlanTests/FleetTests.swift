import RungPlan
import Testing

/// What a fleet decides, driven by arrays: no cluster, no worker, a clock that the test turns.
@Suite struct FleetTests {
  private static let second: Int64 = 1_000_000_000

  private static func limits(workers: Int = 2, cpus: Int = 2, losses: Int = 3) -> Fleet.Limits {
    Fleet.Limits(
      worker: Fleet.Size(cpus: cpus), time: 600 * second, workers: workers, idle: 10 * second, losses: losses)
  }

  private static let one = Fleet.Need(size: Fleet.Size(cpus: 1))

  // A worker that has just begun.
  private static func worker(_ cpus: Int = 2, gpus: [String] = [], at now: Int64 = 0) -> Fleet.WorkerState {
    Fleet.WorkerState(size: Fleet.Size(cpus: cpus, gpus: gpus.count), gpus: gpus, until: now + 600 * second)
  }

  @Test func asksForAsManyAsTheStepsFillAndNoMoreThanIsAllowed() {
    var fleet = Fleet(limits: Self.limits(workers: 3))
    let alone = Fleet.Allocation(size: Fleet.Size(cpus: 2), time: 600 * Self.second)
    // The second fits beside the first, the third does not.
    for id in 1...3 { #expect(fleet.handle(.wanted(id, Self.one), now: 0) == []) }
    #expect(fleet.handle(.tick, now: 0) == [.submit(1, alone, count: 2)])
    #expect(fleet.handle(.tick, now: 0) == [])
    #expect(fleet.handle(.submitted(1, jobs: ["a", "b"]), now: 0) == [])
    for id in 4...8 { #expect(fleet.handle(.wanted(id, Self.one), now: 0) == []) }
    #expect(fleet.handle(.tick, now: 0) == [.submit(2, alone, count: 1)])
    #expect(fleet.handle(.tick, now: 0) == [])
    #expect(
      fleet.handle(.appeared("a", Self.worker()), now: 0) == [.assign(1, "a", gpus: []), .assign(2, "a", gpus: [])])
    #expect(fleet.handle(.ended(1), now: 0) == [.assign(3, "a", gpus: [])])
  }

  @Test func aStepThatIsLargerOrLongerGetsAnAllocationOfItsOwn() {
    var fleet = Fleet(limits: Self.limits())
    let large = Fleet.Need(size: Fleet.Size(cpus: 8))
    let long = Fleet.Need(size: Fleet.Size(cpus: 1), time: 3600 * Self.second)
    _ = fleet.handle(.wanted(1, large), now: 0)
    _ = fleet.handle(.wanted(2, long), now: 0)
    #expect(
      fleet.handle(.tick, now: 0) == [
        .submit(1, Fleet.Allocation(size: Fleet.Size(cpus: 8), time: 600 * Self.second, task: 1), count: 1),
        .submit(2, Fleet.Allocation(size: Fleet.Size(cpus: 1), time: 3660 * Self.second, task: 2), count: 1),
      ])
    _ = fleet.handle(.submitted(1, jobs: ["a"]), now: 0)
    _ = fleet.handle(.submitted(2, jobs: ["b"]), now: 0)
    // Others do not get in there, however long they wait.
    #expect(fleet.handle(.wanted(3, Self.one), now: 0) == [])
    #expect(fleet.handle(.appeared("a", Self.worker(8)), now: 0) == [.assign(1, "a", gpus: [])])
    // With its step, the allocation ends; only then is there room for a usual worker.
    #expect(fleet.handle(.ended(1), now: 0) == [])
    #expect(fleet.handle(.tick, now: 0) == [.retire("a")])
    _ = fleet.handle(.gone("a", .left, ""), now: 0)
    #expect(
      fleet.handle(.tick, now: 0) == [
        .submit(3, Fleet.Allocation(size: Fleet.Size(cpus: 2), time: 600 * Self.second), count: 1)
      ])
  }

  @Test func gpusAreGivenOneByOne() {
    var limits = Self.limits(workers: 1, cpus: 4)
    limits.worker.gpus = 2
    var fleet = Fleet(limits: limits)
    let need = Fleet.Need(size: Fleet.Size(cpus: 1, gpus: 1))
    for id in 1...3 { _ = fleet.handle(.wanted(id, need), now: 0) }
    _ = fleet.handle(.tick, now: 0)
    _ = fleet.handle(.submitted(1, jobs: ["a"]), now: 0)
    #expect(
      fleet.handle(.appeared("a", Self.worker(4, gpus: ["4", "6"])), now: 0) == [
        .assign(1, "a", gpus: ["4"]), .assign(2, "a", gpus: ["6"]),
      ])
    #expect(fleet.handle(.ended(1), now: 0) == [.assign(3, "a", gpus: ["4"])])
  }

  @Test func whatALostWorkerExecutedComesFirstUntilItWasLostTooOften() {
    var fleet = Fleet(limits: Self.limits(workers: 1, cpus: 1, losses: 2))
    _ = fleet.handle(.wanted(1, Self.one), now: 0)
    _ = fleet.handle(.wanted(2, Self.one), now: 0)
    _ = fleet.handle(.tick, now: 0)
    _ = fleet.handle(.submitted(1, jobs: ["a"]), now: 0)
    _ = fleet.handle(.appeared("a", Self.worker(1)), now: 0)
    #expect(fleet.handle(.gone("a", .machine, "the node is down"), now: 0) == [])
    #expect(fleet.handle(.tick, now: 0).count == 1)
    _ = fleet.handle(.submitted(2, jobs: ["b"]), now: 0)
    #expect(fleet.handle(.appeared("b", Self.worker(1)), now: 0) == [.assign(1, "b", gpus: [])])
    let last = fleet.handle(.gone("b", .machine, "the node is down"), now: 0)
    #expect(last.first == .fail(1, "its worker was lost twice: the node is down"))
    #expect(fleet.unfinished == 1)
  }

  @Test func aStepThatKeepsItsCheckpointsMayBeInterruptedOften() {
    var fleet = Fleet(limits: Self.limits(workers: 1, cpus: 1, losses: 2))
    _ = fleet.handle(.wanted(1, Fleet.Need(size: Fleet.Size(cpus: 1), resumes: true)), now: 0)
    for attempt in 1...50 {
      #expect(fleet.handle(.tick, now: 0).count == 1)
      _ = fleet.handle(.submitted(attempt, jobs: ["\(attempt)"]), now: 0)
      #expect(fleet.handle(.appeared("\(attempt)", Self.worker(1)), now: 0) == [.assign(1, "\(attempt)", gpus: [])])
      let loss: Fleet.Loss = attempt.isMultiple(of: 2) ? .time : .preempted
      #expect(fleet.handle(.gone("\(attempt)", loss, "over"), now: 0) == [])
    }
    #expect(fleet.unfinished == 1)
  }

  @Test func aStepThatWasCutOffGetsAnAllocationTwiceAsLong() {
    var fleet = Fleet(limits: Self.limits(workers: 1, cpus: 1))
    _ = fleet.handle(.wanted(1, Self.one), now: 0)
    _ = fleet.handle(.tick, now: 0)
    _ = fleet.handle(.submitted(1, jobs: ["a"]), now: 0)
    _ = fleet.handle(.appeared("a", Self.worker(1)), now: 0)
    let longer = Fleet.Allocation(size: Fleet.Size(cpus: 1), time: 1260 * Self.second, task: 1)
    #expect(fleet.handle(.gone("a", .time, "over"), now: 0) == [])
    #expect(fleet.handle(.tick, now: 0) == [.submit(2, longer, count: 1)])
    _ = fleet.handle(.submitted(2, jobs: ["b"]), now: 0)
    let state = Fleet.WorkerState(size: Fleet.Size(cpus: 1), until: 1250 * Self.second)
    #expect(fleet.handle(.appeared("b", state), now: 0) == [.assign(1, "b", gpus: [])])
    guard case .fail(1, let reason)? = fleet.handle(.gone("b", .time, "over"), now: 0).first else {
      Issue.record("it goes on for ever")
      return
    }
    #expect(reason.contains("`timeout`"))
  }

  @Test func workersWithNothingToDoEndAndSoDoAllocationsThatNobodyWaitsFor() {
    var fleet = Fleet(limits: Self.limits(workers: 2, cpus: 1))
    _ = fleet.handle(.wanted(1, Self.one), now: 0)
    _ = fleet.handle(.wanted(2, Self.one), now: 0)
    _ = fleet.handle(.tick, now: 0)
    _ = fleet.handle(.submitted(1, jobs: ["a", "b"]), now: 0)
    _ = fleet.handle(.appeared("a", Self.worker(1)), now: 0)
    #expect(fleet.handle(.ended(1), now: 0) == [.assign(2, "a", gpus: [])])
    #expect(fleet.handle(.ended(2), now: Self.second) == [])
    #expect(fleet.handle(.tick, now: Self.second) == [])
    #expect(fleet.handle(.tick, now: 11 * Self.second) == [.retire("a"), .cancel(["b"])])
    #expect(fleet.handle(.tick, now: 30 * Self.second) == [])
  }

  @Test func aClusterThatStartsNothingIsTold() {
    var fleet = Fleet(limits: Self.limits(workers: 1, cpus: 1, losses: 2))
    _ = fleet.handle(.wanted(1, Self.one), now: 0)
    var failed: [Fleet.Command] = []
    for attempt in 1...3 {
      _ = fleet.handle(.tick, now: 0)
      _ = fleet.handle(.submitted(attempt, jobs: ["\(attempt)"]), now: 0)
      failed = fleet.handle(.gone("\(attempt)", .machine, "no such file"), now: 0)
    }
    #expect(failed == [.fail(1, "no worker came to be: no such file")])
    #expect(fleet.unfinished == 0)
  }

  @Test func aNodeThatTakesManyJobsOfOneOrderWithItCountsOnce() {
    var fleet = Fleet(limits: Self.limits(workers: 6, cpus: 1, losses: 2))
    for id in 1...6 { _ = fleet.handle(.wanted(id, Self.one), now: 0) }
    _ = fleet.handle(.tick, now: 0)
    _ = fleet.handle(.submitted(1, jobs: ["a", "b", "c", "d", "e", "f"]), now: 0)
    for job in ["a", "b", "c", "d", "e"] { #expect(fleet.handle(.gone(job, .machine, "node fail"), now: 0) == []) }
    #expect(fleet.unfinished == 6)
    guard case .submit(_, _, count: 5)? = fleet.handle(.tick, now: 0).first else {
      Issue.record("nothing is asked for in their place")
      return
    }
  }

  @Test func aRefusalFailsTheStepsThatItWasFor() {
    var fleet = Fleet(limits: Self.limits())
    _ = fleet.handle(.wanted(1, Self.one), now: 0)
    _ = fleet.handle(.tick, now: 0)
    #expect(fleet.handle(.refused(1, "invalid partition"), now: 0) == [.fail(1, "invalid partition")])
  }

  @Test func aMachineThatCannotExecuteAStepGetsNoMore() {
    var fleet = Fleet(limits: Self.limits(workers: 2, cpus: 1))
    _ = fleet.handle(.wanted(1, Self.one), now: 0)
    _ = fleet.handle(.tick, now: 0)
    _ = fleet.handle(.submitted(1, jobs: ["a"]), now: 0)
    _ = fleet.handle(.appeared("a", Self.worker(1)), now: 0)
    #expect(fleet.handle(.spoiled(1, "the disk is full"), now: 0) == [.retire("a")])
    guard case .submit? = fleet.handle(.tick, now: 0).first else {
      Issue.record("nobody else is asked")
      return
    }
  }
}
