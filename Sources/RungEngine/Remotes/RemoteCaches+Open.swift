import RungModel
import RungRemote
import RungSign

extension RemoteCaches {
  /// The remotes of a project, with what cannot be used of them: sentences.
  ///
  /// `RUNG_REMOTE` takes the place of those in rung.yaml, or with a `+` before it comes before them. The key called
  /// `default` signs; accepted are all keys of this user and those that the project trusts.
  ///
  /// - Parameters:
  ///   - only: the name of one, or an address; nil for all.
  ///   - by: who signs, for people: `user@host`.
  public static func open(
    _ settings: ProjectSettings, root: String, variables: [String: String], only: String? = nil, by: String
  ) -> (caches: RemoteCaches, problems: [String]) {
    var declared = settings.remotes
    if let text = variables["RUNG_REMOTE"], !text.isEmpty {
      if text.hasPrefix("+") {
        declared.insert(RemoteSetting(address: String(text.dropFirst())), at: 0)
      } else {
        declared = [RemoteSetting(address: text)]
      }
    }
    if let only {
      let named = declared.filter { $0.name == only || $0.address == only }
      declared = !named.isEmpty ? named : only.contains("/") || only.contains(":") ? [.init(address: only)] : []
    }
    var problems: [String] = []
    var remotes: [RemoteCache] = []
    for setting in declared {
      do throws(RemoteError) {
        let storage = try Remotes.open(address: setting.address, in: root, variables: variables)
        remotes.append(RemoteCache(name: setting.name ?? storage.name, pushes: setting.push, storage: storage))
      } catch {
        problems.append(error.message)
      }
    }
    var trusted = Set(settings.trust)
    var signer: Signer?
    if let folder = KeyFolder(variables: variables) {
      for name in folder.names { if let key = try? folder.publicKey(name) { trusted.insert(key.id) } }
      if folder.names.contains(KeyFolder.standardName) {
        do throws(KeyFolder.Problem) {
          signer = Signer(try folder.secretKey(KeyFolder.standardName), by: by)
        } catch {
          problems.append(error.description)
        }
      }
    }
    return (RemoteCaches(remotes, trust: Trust(keys: trusted), signer: signer), problems)
  }
}
