import RungCore
import RungLedger
import RungSign
import RungStore

/// Whether a statement is signed, by whom, and whether it says what the records of a cache say.
public struct StatementCheck: Sendable {
  /// The key that has signed it, of those that were tried; nil when none has, or when it is not signed.
  public let signer: PublicKey?
  /// What is wrong; sentences without a full stop. Empty for a statement to rely on.
  public let problems: [String]
  /// What the statement is about: names and digests, as far as they can be read.
  public let subjects: [(name: String, digest: String)]
  /// How many executions its records tell of.
  public let executions: Int

  /// True when the signature and everything that it covers hold.
  public var isSound: Bool { problems.isEmpty }

  /// Checks an envelope, or a bare statement, which has no signature and is never sound. Nil when the bytes are neither.
  ///
  /// A statement follows from records alone, so it is made again from those in the store, each verified by its digest,
  /// and compared member by member.
  ///
  /// - Parameter keys: whose signatures count.
  public init?(_ bytes: [UInt8], keys: [PublicKey], store: ObjectStore) {
    guard let json = try? JSON(parsing: bytes) else { return nil }
    var problems: [String] = []
    let statement: JSON
    if json["payload"] == nil {
      guard json["_type"] != nil else { return nil }
      statement = json
      signer = nil
      problems.append("it is not signed")
    } else {
      guard let envelope = Envelope(bytes: bytes) else {
        (signer, subjects, executions) = (nil, [], 0)
        self.problems = ["the envelope is not as it was written: some of its bytes were changed"]
        return
      }
      signer = keys.first { envelope.isSigned(by: $0) }
      problems += Self.signatureProblems(envelope, keys, signer)
      guard let payload = try? JSON(parsing: envelope.payload) else {
        (subjects, executions) = ([], 0)
        self.problems = problems + ["what is signed is no JSON"]
        return
      }
      statement = payload
    }
    subjects = (statement["subject"]?.array ?? []).map { subject in
      let digest = subject["digest"]?.members?.first
      return (subject["name"]?.string ?? "", "\(digest?.name ?? ""):\(digest?.value.string ?? "")")
    }
    let compared = Self.compare(statement, store)
    executions = compared.executions
    self.problems = problems + compared.problems
  }

  private static func signatureProblems(_ envelope: Envelope, _ keys: [PublicKey], _ signer: PublicKey?) -> [String] {
    var problems: [String] = []
    if envelope.payloadType != Envelope.statementType {
      problems.append("it is signed as '\(envelope.payloadType)', not as an in-toto statement")
    }
    if signer != nil { return problems }
    let ids = envelope.signatures.map(\.keyID)
    if ids.isEmpty {
      problems.append("it has no signature")
    } else if keys.contains(where: { ids.contains($0.id) }) {
      problems.append("the signature does not fit: what was signed has been changed, or the signature has")
    } else {
      problems.append("it is signed with a key that is not known here, \(ids.joined(separator: ", "))")
    }
    return problems
  }

  private static func compare(_ statement: JSON, _ store: ObjectStore) -> (executions: Int, problems: [String]) {
    guard statement["predicateType"]?.string == Lineage.predicateType,
      statement["predicate"]?["buildDefinition"]?["buildType"]?.string == Lineage.buildType
    else { return (0, ["it is not a statement that this version of Rung knows how to check"]) }
    guard let root = statement["predicate"]?["runDetails"]?["metadata"]?["invocationId"]?.digest else {
      return (0, ["it does not name the record of what it is about"])
    }
    let lineage = Lineage.of(records: [root], store: store)
    let gaps = lineage.incomplete.map(\.message)
    guard let own = lineage.statement(of: root, accepted: acceptances(statement, lineage, store)) else {
      return (0, gaps.isEmpty ? ["the record that it names made nothing"] : gaps)
    }
    return (lineage.executions.count, gaps + differences(statement, own, at: ""))
  }

  // The acceptances that a statement names, as this cache has them: later ones say nothing against it. What is not there,
  // or is about something else, is left out, and then the comparison finds it.
  private static func acceptances(
    _ statement: JSON, _ lineage: Lineage, _ store: ObjectStore
  ) -> [(digest: Digest, acceptance: Acceptance)] {
    let named = statement["predicate"]?["buildDefinition"]?["internalParameters"]?["accepted"]?.array ?? []
    return named.compactMap { item in
      guard let digest = item["acceptance"]?.digest,
        let acceptance = (try? store.readRecord(digest)).flatMap(Acceptance.init(bytes:)),
        lineage.execution(acceptance.record) != nil
      else { return nil }
      return (digest, acceptance)
    }
  }

  // Where two values first part, in each member of the upper levels.
  private static func differences(_ said: JSON, _ known: JSON, at place: String) -> [String] {
    if said == known { return [] }
    if let a = said.members, let b = known.members, place.count(of: ".") < 2 {
      let names = a.map(\.name) + b.map(\.name).filter { said[$0] == nil }
      return names.flatMap { name -> [String] in
        differences(said[name] ?? .null, known[name] ?? .null, at: place.isEmpty ? name : "\(place).\(name)")
      }
    }
    if let a = said.array, let b = known.array {
      let first = zip(a, b).first { $0 != $1 }?.0 ?? a.dropFirst(b.count).first ?? b.dropFirst(a.count).first
      let name = first?["name"]?.string.map { ", first for '\($0)'" } ?? ""
      return ["its \(place) are not those of the records in this cache\(name)"]
    }
    return ["its \(place.isEmpty ? "content" : place) is not what the records in this cache say"]
  }
}

extension String {
  fileprivate func count(of character: Character) -> Int { self.reduce(0) { $1 == character ? $0 + 1 : $0 } }
}
