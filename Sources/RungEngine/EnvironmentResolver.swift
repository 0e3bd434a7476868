import RungCore
import RungExec
import RungLedger
import RungModel
import RungStore
import Synchronization

/// An environment that steps run in, identified but not necessarily built yet.
struct ResolvedEnvironment {
  let python: PythonEnvironment
  let lockPath: RelativePath
  let lockBytes: [UInt8]

  /// Where it is or will be.
  var folder: String { python.folder }
  /// Where its programs are.
  var binFolder: String { python.binFolder }

  /// What identifies it in a key. Not where its lock lies or where it is built.
  var keyParts: [(name: String, value: String, digest: Digest?)] {
    [
      ("lock", "", python.lockDigest), ("interpreter", python.interpreterVersion, nil),
      ("platform", python.platform, nil),
    ]
  }

  /// What a record says of it.
  var record: Record.Environment {
    Record.Environment(
      identity: python.identity, lockPath: lockPath.text, lock: python.lockDigest,
      interpreter: python.interpreterPath, version: python.interpreterVersion,
      interpreterDigest: python.interpreterDigest, platform: python.platform)
  }
}

/// Identifies the environments that steps ask for, each once in a run.
final class EnvironmentResolver: Sendable {
  let environments: PythonEnvironments
  private let root: String
  private let path: String
  private let state: Mutex<State>

  private struct State {
    var known: [EnvironmentSpec: ResolvedEnvironment] = [:]
    var probes: [String: String] = [:]
  }

  private let ledger: Ledger

  init(environments: PythonEnvironments, root: String, path: String, ledger: Ledger) {
    self.environments = environments
    self.root = root
    self.path = path
    self.ledger = ledger
    state = Mutex(State())
  }

  /// What was learnt of interpreters since the last call, for the ledger.
  func takeProbes() -> [String: String] {
    state.withLock { state in
      defer { state.probes = [:] }
      return state.probes
    }
  }

  /// The environment of a step, or nil when it asks for none. Throws when its lock cannot be read or there is no
  /// interpreter.
  func resolve(_ spec: EnvironmentSpec?, files: inout SourceFiles) throws(Diagnostics) -> ResolvedEnvironment? {
    guard let spec else { return nil }
    if let known = state.withLock({ $0.known[spec] }) { return known }
    do throws(SourceFiles.Problem) {
      guard try files.content(spec.pythonLock) != nil else {
        throw SourceFiles.Problem(message: "the lock file '\(spec.pythonLock)' does not exist")
      }
    } catch {
      throw Diagnostics(error.message, at: spec.location)
    }
    guard let bytes = readFile(spec.pythonLock.absolute(in: root)) else {
      throw Diagnostics("the lock file '\(spec.pythonLock)' cannot be read", at: spec.location)
    }
    let python: PythonEnvironment
    do throws(EnvironmentError) {
      python = try environments.identify(
        lock: bytes, interpreter: spec.interpreter, path: path,
        memo: PythonEnvironments.Memo(
          get: { name in self.state.withLock { $0.probes[name] } ?? (try? self.ledger.probe(name)) ?? nil },
          set: { name, value in self.state.withLock { $0.probes[name] = value } }))
    } catch {
      throw Diagnostics("\(error)", at: spec.location)
    }
    let resolved = ResolvedEnvironment(python: python, lockPath: spec.pythonLock, lockBytes: bytes)
    state.withLock { $0.known[spec] = resolved }
    return resolved
  }
}
