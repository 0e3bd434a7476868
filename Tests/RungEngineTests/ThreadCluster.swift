import Glibc
import RungCore
import RungExec
import RungPlan
import Synchronization

@testable import RungEngine

/// A cluster whose jobs are threads of the test: each runs a real worker on the fleet's folder. What befalls jobs is up to the
/// test.
final class ThreadCluster: Cluster {
  private struct Entry {
    var state = ClusterJob.State.running
    var note: String
    var worker: FleetWorker?
    var thread: pthread_t?
  }

  private struct State {
    var jobs: [String: Entry] = [:]
    var submissions: [Int] = []
    var count = 0
    var refusal: ClusterError?
    var silence: ClusterError?
  }

  private let state = Mutex(State())
  // With a prefix, so that two clusters of one story give different names.
  private let prefix: String

  init(prefix: String = "t") { self.prefix = prefix }

  var name: String { "the test's cluster" }

  /// How many allocations each order was for.
  var submissions: [Int] { state.withLock { $0.submissions } }

  /// What it answers to orders from now on.
  func refuse(_ error: ClusterError?) { state.withLock { $0.refusal = error } }

  /// What it answers from now on to who asks for its jobs.
  func hide(_ error: ClusterError?) { state.withLock { $0.silence = error } }

  func command(_ allocation: Fleet.Allocation, count: Int, fleet: String, note: String) -> [String] { ["submit"] }

  func submit(
    _ allocation: Fleet.Allocation, count: Int, fleet: String, note: String
  ) throws(ClusterError) -> [Fleet.JobID] {
    if let refusal = state.withLock({ $0.refusal }) { throw refusal }
    let ids = state.withLock { state in
      state.submissions.append(count)
      return (0..<count).map { _ in
        state.count += 1
        let id = "\(prefix)\(state.count)"
        state.jobs[id] = Entry(note: note)
        return id
      }
    }
    for id in ids {
      let thread = WorkerPool.start { self.work(id, allocation, fleet) }
      state.withLock { $0.jobs[id]?.thread = thread }
    }
    return ids
  }

  private func work(_ id: String, _ allocation: Fleet.Allocation, _ fleet: String) {
    do {
      let worker = try FleetWorker(
        FleetWorker.Options(
          folder: fleet, place: StepPlace(host: "here", cluster: "threads", job: id, node: "n"),
          cpus: allocation.size.cpus, memory: allocation.size.memory,
          gpus: (0..<allocation.size.gpus).map { "g\($0)" }, time: allocation.time, version: "test", launcher: nil))
      state.withLock { $0.jobs[id]?.worker = worker }
      worker.run()
    } catch {
      state.withLock { $0.jobs[id]?.state = .over(.machine, "\(error)") }
    }
    state.withLock { state in
      state.jobs[id]?.worker = nil
      if case .running? = state.jobs[id]?.state { state.jobs[id]?.state = .over(.left, "completed") }
    }
  }

  func jobs() throws(ClusterError) -> [ClusterJob] {
    if let silence = state.withLock({ $0.silence }) { throw silence }
    return state.withLock { state in
      state.jobs.map { ClusterJob(id: $0.key, state: $0.value.state, note: $0.value.note) }
    }
  }

  func cancel(_ jobs: [Fleet.JobID]) throws(ClusterError) { for job in jobs { end(job, "cancelled") } }

  /// What a cluster does to a job when it wants the machine: a signal.
  func end(_ job: Fleet.JobID, _ reason: String) {
    state.withLock { $0.jobs[job]?.worker }?.leave(reason)
  }

  /// The jobs that are not over.
  var live: [String] {
    state.withLock { state in
      state.jobs.filter { if case .over = $0.value.state { false } else { true } }.keys.sorted()
    }
  }

  /// Waits for all of its threads.
  func join() {
    for thread in state.withLock({ $0.jobs.values.compactMap(\.thread) }) { pthread_join(thread, nil) }
  }
}
