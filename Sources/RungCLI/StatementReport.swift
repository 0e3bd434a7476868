import Glibc
import RungCore
import RungSign
import RungStore
import RungTrace

/// What `rung export --check` says.
enum StatementReport {
  // Far more than a statement of a million executions takes, in bytes.
  private static let largest = 1 << 30

  /// Checks a statement against a cache and the keys that are known, and tells. Throws `ExitNow` when anything is wrong.
  static func report(_ path: String, _ publicKey: String?, _ project: ProjectOptions, json: Bool) throws {
    let (keys, names) = try keys(publicKey)
    let (cache, _) = try project.cachePath()
    let store = try ObjectStore(path: cache)
    guard let check = StatementCheck(try bytes(of: path), keys: keys, store: store) else {
      throw RequestError(
        message: "\(path) is no in-toto statement and no envelope with one",
        hints: ["`rung export FILE --format in-toto` writes what can be checked"])
    }
    if json {
      Console.print(Self.json(check).pretty)
    } else {
      if let signer = check.signer {
        Console.print("signed by  \(names[signer].map { "\($0), " } ?? "")\(signer.id)")
      }
      for subject in check.subjects {
        Console.print("subject    \(WhyText.printable(subject.name))  \(WhyText.printable(subject.digest))")
      }
      if check.isSound {
        let count = check.executions
        let words = count == 1 ? ("record", "is", "says") : ("\(count) records", "are", "say")
        Console.print("sound: the \(words.0) behind it \(words.1) in this cache and \(words.2) the same")
      }
      for problem in check.problems.prefix(20) {
        Console.complain("\(Style.errors.red("wrong:")) \(WhyText.printable(problem))")
      }
      if check.problems.count > 20 { Console.complain("and \(check.problems.count - 20) more; --json lists them all") }
    }
    if !check.isSound { throw ExitNow(code: ExitStatus.stepFailed) }
  }

  private static func json(_ check: StatementCheck) -> JSON {
    [
      "sound": .bool(check.isSound), "signer": .optional(check.signer?.id), "executions": .int(check.executions),
      "subjects": .array(check.subjects.map { ["name": .string($0.name), "digest": .string($0.digest)] }),
      "problems": .array(check.problems.map { .string($0) }),
    ]
  }

  // The keys whose signatures count, and the names of the own ones.
  private static func keys(_ wanted: String?) throws -> ([PublicKey], [PublicKey: String]) {
    do {
      let folder = KeyFolder(variables: callerVariables())
      if let wanted {
        return ([try folder?.publicKey(wanted) ?? KeyFolder.publicKey(at: wanted)], [:])
      }
      var names: [PublicKey: String] = [:]
      for name in folder?.names ?? [] {
        if let key = try folder?.publicKey(name) { names[key] = name }
      }
      return (Array(names.keys), names)
    } catch let problem as KeyFolder.Problem {
      throw RequestError(message: problem.description)
    }
  }

  private static func bytes(of path: String) throws -> [UInt8] {
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG || Int(status.st_size) > largest {
      throw RequestError(message: "\(path) is no file, or one that is too large for a statement")
    }
    do {
      return try FileReplacement.bytes(of: path)
    } catch let failure as FileReplacement.Failure {
      throw RequestError(message: failure.description)
    }
  }
}
