import Glibc
import RungCore
import RungLedger
import RungStore
import Synchronization

/// Makes results durable, many at a time, on a thread of its own: first the bytes of objects and records, then one
/// ledger transaction that names them; then the locks of their actions are released.
///
/// While one group is being written the next gathers, so that a step costs no wait for the disk. Groups are written some
/// milliseconds apart: with very short steps a group of its own for each would cost as much as the step.
final class Committer: Sendable {
  private struct Item {
    var changes: LedgerChanges
    var unlock: [Digest]
    var isElsewhere = false
  }

  private let store: ObjectStore
  private let ledger: Ledger
  private let locks: HeldLocks
  private let mailbox = Mailbox<Item?>()
  private let thread = Mutex<pthread_t?>(nil)
  private let fault = Mutex<String?>(nil)
  private let onFault: @Sendable (String) -> Void

  /// A committer that runs until `close`. `onFault` is called, on its thread, when something cannot be made durable;
  /// nothing is committed after that.
  init(store: ObjectStore, ledger: Ledger, locks: HeldLocks, onFault: @escaping @Sendable (String) -> Void) {
    self.store = store
    self.ledger = ledger
    self.locks = locks
    self.onFault = onFault
    let started = WorkerPool.start { self.loop() }
    thread.withLock { $0 = started }
  }

  /// Commits these changes after everything that was put into the store before this call; then unlocks the actions.
  /// `elsewhere`: workers have put what is committed into the store, and have left it to this process to make it durable.
  func commit(_ changes: LedgerChanges, unlock: [Digest] = [], elsewhere: Bool = false) {
    mailbox.post(Item(changes: changes, unlock: unlock, isElsewhere: elsewhere))
  }

  /// Waits until all is committed. The answer is what went wrong, or nil.
  func close() -> String? {
    mailbox.post(nil)
    if let started = thread.withLock({ $0 }) { pthread_join(started, nil) }
    return fault.withLock { $0 }
  }

  // Between the beginnings of two groups, in milliseconds.
  private static let pace: Int64 = 15

  private func loop() {
    var open = true
    var last = Clock.monotonic() - Self.pace * 1_000_000
    while open {
      var changes = LedgerChanges()
      var unlock: [Digest] = []
      var isElsewhere = false
      var items = mailbox.take()
      while open {
        for item in items {
          guard let item else {
            open = false
            continue
          }
          changes.merge(item.changes)
          unlock += item.unlock
          isElsewhere = isElsewhere || item.isElsewhere
        }
        let wait = Self.pace - (Clock.monotonic() - last) / 1_000_000
        if !open || wait <= 0 { break }
        items = mailbox.take(milliseconds: Int(wait))
      }
      last = Clock.monotonic()
      if fault.withLock({ $0 }) == nil, !changes.isEmpty {
        do {
          if isElsewhere { try store.syncAll() }
          try store.flush()
          try ledger.commit(changes)
        } catch {
          let message = "\(error)"
          fault.withLock { $0 = message }
          onFault(message)
        }
      }
      for key in unlock { locks.unlock(key) }
    }
  }
}
