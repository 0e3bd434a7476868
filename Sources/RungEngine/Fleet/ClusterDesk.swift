import Glibc
import RungPlan
import Synchronization

/// Talks to the cluster on a thread of its own, one thing at a time, so that a controller that does not answer holds nobody
/// up. What comes of it is posted to `answer`.
final class ClusterDesk: Sendable {
  enum Order: Sendable {
    case submit(ticket: Int, Fleet.Allocation, count: Int, note: String)
    case cancel([Fleet.JobID])
    case look
    case close
  }

  enum Answer: Sendable {
    case submitted(ticket: Int, [Fleet.JobID])
    case refused(ticket: Int, String)
    case jobs([ClusterJob])
    /// It does not answer; said once, until it answers again.
    case silent(String)
    case speaks
  }

  private let cluster: any Cluster
  private let fleet: String
  private let orders = Mailbox<Order>()
  private let answer: @Sendable (Answer) -> Void
  private let thread = Mutex<pthread_t?>(nil)
  private let closing = Mutex(false)
  // Between two tries, in milliseconds.
  private static let firstPause = 500
  private static let longestPause = 10_000

  init(_ cluster: any Cluster, fleet: String, answer: @escaping @Sendable (Answer) -> Void) {
    self.cluster = cluster
    self.fleet = fleet
    self.answer = answer
    let started = WorkerPool.start { self.loop() }
    thread.withLock { $0 = started }
  }

  func order(_ order: Order) { orders.post(order) }

  /// Waits until all orders are carried out; those that the cluster does not take now are given up.
  func close() {
    closing.withLock { $0 = true }
    orders.post(.close)
    if let started = thread.withLock({ $0 }) { pthread_join(started, nil) }
  }

  private func loop() {
    while true {
      for order in orders.take() {
        if case .close = order { return }
        perform(order)
      }
    }
  }

  private func perform(_ order: Order) {
    var pause = Self.firstPause
    var wasSilent = false
    while true {
      do throws(ClusterError) {
        try attempt(order)
        if wasSilent { answer(.speaks) }
        return
      } catch {
        if !error.isTransient {
          switch order {
          case .submit(let ticket, _, _, _): answer(.refused(ticket: ticket, error.description))
          case .look, .cancel: answer(.silent(error.description))
          case .close: break
          }
          return
        }
        if !wasSilent { answer(.silent(error.description)) }
        wasSilent = true
        // A look is asked for again anyway.
        if case .look = order { return }
        if closing.withLock({ $0 }), pause > 4 * Self.firstPause { return }
        usleep(UInt32(pause) * 1000)
        pause = min(2 * pause, Self.longestPause)
      }
    }
  }

  private func attempt(_ order: Order) throws(ClusterError) {
    switch order {
    case .submit(let ticket, let allocation, let count, let note):
      answer(
        .submitted(
          ticket: ticket, try cluster.submit(allocation, count: count, fleet: fleet, note: note)))
    case .cancel(let jobs): try cluster.cancel(jobs)
    case .look:
      answer(.jobs(try cluster.jobs()))
      answer(.speaks)
    case .close: break
    }
  }
}
