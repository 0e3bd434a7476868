import RungCore
import RungLedger
import RungPlan
import RungStore

/// What a run has asked its remotes and not heard yet. Belongs to the engine's thread; the asking is done by others
/// (`RemoteDesk`).
final class RemoteExchange {
  /// An answer to the question with this number.
  struct Reply: Sendable {
    let ticket: Int
    let reply: RemoteDesk.Reply
  }

  /// What is wanted.
  enum Purpose {
    /// A result under the key.
    case result
    /// The bytes of a result that is known.
    case bytes(KnownResult, [ActionOutput])
  }

  /// What somebody waits for.
  struct Question {
    let key: Digest
    let purpose: Purpose
    /// Those who wait; the first stands for all.
    var instances: [BuildGraph.NodeID]
    /// The remote that is asked now.
    var remote = 0
    /// What it has offered and was not tried yet.
    var offers: ArraySlice<ResultPuller.Offer> = []
    /// How long the job may take, in nanoseconds.
    var allowance: Int64
    var ticket = 0
  }

  let desks: [RemoteDesk]
  let patience: Int64
  let writers: [WriteBehind]
  let hasSigner: Bool
  var questions: [Digest: Question] = [:]
  /// When it was looked at last whether somebody is overdue.
  var lookedAt: Int64 = 0
  /// Where a result of this run came from, and who signed it, by its key.
  var sources: [Digest: (remote: String, by: String?)] = [:]
  /// The instances whose results were fetched.
  var fetched: Set<BuildGraph.NodeID> = []
  // Each question is asked once in a run.
  private var asked: Set<Digest> = []
  private var askedForBytes: Set<Digest> = []
  private var keys: [Int: Digest] = [:]
  private var tickets = 0

  init(_ caches: RemoteCaches, store: ObjectStore, post: @escaping @Sendable (Reply) -> Void) {
    desks = caches.remotes.map { cache in
      RemoteDesk(cache, store: store, trust: caches.trust) { post(Reply(ticket: $0, reply: $1)) }
    }
    patience = Int64(caches.patience) * 1_000_000
    hasSigner = caches.signer != nil
    writers = desks.filter(\.cache.pushes).compactMap { desk in
      caches.signer.map { WriteBehind(desk, store: store, signer: $0) }
    }
  }

  /// Begins to ask; false when there is nobody to ask, or it was asked before. The question is to be passed on with
  /// `askNext`.
  func begin(_ key: Digest, _ purpose: Purpose, _ instance: BuildGraph.NodeID) -> Bool {
    if questions[key] != nil {
      questions[key]?.instances.append(instance)
      return true
    }
    guard desks.contains(where: { $0.allows(.reading) }) else { return false }
    switch purpose {
    case .result: guard asked.insert(key).inserted else { return false }
    case .bytes: guard askedForBytes.insert(key).inserted else { return false }
    }
    questions[key] = Question(key: key, purpose: purpose, instances: [instance], allowance: patience)
    return true
  }

  /// Asks the first remote from `from` on that is still in use; false when there is none.
  func ask(_ key: Digest, from: Int) -> Bool {
    guard var question = questions[key],
      let remote = desks.indices.first(where: { $0 >= from && desks[$0].allows(.reading) })
    else { return false }
    question.remote = remote
    question.offers = []
    let desk = desks[remote]
    if !questions.values.contains(where: { $0.ticket != 0 && $0.remote == remote }) { desk.sign() }
    question.ticket = ticket(key)
    questions[key] = question
    switch question.purpose {
    case .result: desk.ask(key, ticket: question.ticket)
    case .bytes(_, let outputs): desk.restore(outputs, ticket: question.ticket)
    }
    return true
  }

  /// Takes what was offered; it may take as long as it took to make, and the patience that there is.
  func take(_ offer: ResultPuller.Offer, passing: Set<String>) {
    guard var question = questions[offer.key] else { return }
    question.ticket = ticket(offer.key)
    question.allowance = patience + min(max(0, offer.record.duration), 7 * 86_400 * 1_000_000_000)
    questions[offer.key] = question
    desks[question.remote].take(offer, passing: passing, ticket: question.ticket)
  }

  private func ticket(_ key: Digest) -> Int {
    tickets += 1
    keys[tickets] = key
    return tickets
  }

  /// The question that a reply is for; nil when nobody waits for it any more.
  func question(for reply: Reply) -> Question? {
    guard let key = keys.removeValue(forKey: reply.ticket), let question = questions[key],
      question.ticket == reply.ticket
    else { return nil }
    return question
  }

  /// The remotes that have been silent for too long, or take longer with something than it is worth.
  func overdue(now: Int64) -> [Int] {
    var slow: Set<Int> = []
    for question in questions.values {
      let desk = desks[question.remote]
      if now - desk.lastSign > patience { slow.insert(question.remote) }
      if let began = desk.began(question.ticket), now - began > question.allowance { slow.insert(question.remote) }
    }
    return slow.sorted()
  }
}
