import RungCore
import RungWire

/// How a request ended, and what that means.
struct HTTPEnding {
  /// libcurl's code; 0 when there was an answer.
  let code: Int
  let status: Int
  /// OpenSSL's reason not to trust.
  let distrust: Int
  let words: String

  enum Verdict {
    case done
    case missing
    /// It may pass.
    case again(RemoteError)
    /// Of this object alone.
    case object(RemoteError)
    /// Nothing can be done there.
    case over(RemoteError)
  }

  /// Judges by the codes of libcurl (curl/curl.h) and of HTTP (RFC 9110, 4918).
  func verdict(_ method: TransferTalk.Method, _ settings: HTTPSettings) -> Verdict {
    let address = settings.address
    switch code {
    case 0: return answer(method, settings)
    case 51, 60, 83, 90, 91:
      return .over(
        RemoteError(
          .untrusted,
          "the certificate of \(address) is not to be trusted: \(words)"
            + (settings.authorities == nil
              ? ". RUNG_CA_FILE names the certificates of a laboratory's own authority" : "")
        ))
    case 58, 77, 82:
      return .over(RemoteError(.local, "the certificates to judge \(address) by cannot be read: \(words)"))
    case 1, 47:
      return .over(
        RemoteError(
          .strange,
          code == 47
            ? "\(address) sends from one address to another without end"
            : "\(address) sends to another address that will not be used: \(words)"))
    case 3, 8, 61: return .over(RemoteError(.strange, "\(address) does not speak as a server should: \(words)"))
    case 63:
      return .object(RemoteError(.damaged, "\(address) sends more bytes than are allowed for one answer"))
    case 27: return .over(RemoteError(.local, "there is no memory left to speak with \(address)"))
    case 28:
      return .again(
        RemoteError(.unreachable, "\(address) stopped answering: nothing came for \(settings.stall) s (\(words))"))
    case 18, 52, 55, 56, 65: return .again(RemoteError(.unreachable, "the connection to \(address) broke: \(words)"))
    default: return .again(RemoteError(.unreachable, "\(address) cannot be reached: \(words)"))
    }
  }

  private func answer(_ method: TransferTalk.Method, _ settings: HTTPSettings) -> Verdict {
    let address = settings.address
    let isPut = method == .put
    switch status {
    case 200, 201, 202, 204, 206: return .done
    case 404, 410:
      if !isPut { return .missing }
      return .over(
        RemoteError(.strange, "\(address) takes no uploads: it answers \(status), so there is no cache there"))
    case 401, 407:
      let end =
        settings.credentials.map { "does not accept the credentials of \($0.source)" }
        ?? "wants credentials: set RUNG_REMOTE_TOKEN, or RUNG_REMOTE_USER and RUNG_REMOTE_PASSWORD, or write them into"
        + " ~/.config/rung/credentials or ~/.netrc"
      return .over(RemoteError(.forbidden, "\(address) \(end)"))
    case 403:
      return .over(
        RemoteError(
          .forbidden, "\(address) forbids it: \(isPut ? "nothing may be written" : "nothing may be read") there (403)"))
    case 405, 501:
      if isPut { return .over(RemoteError(.full, "\(address) takes no uploads: it is read-only (\(status))")) }
      return .over(RemoteError(.strange, "\(address) answers \(status) to a look: it is no cache"))
    case 409:
      return .over(
        RemoteError(.strange, "\(address) has no folder for it (409): nginx needs `create_full_put_path on`"))
    case 413: return .object(RemoteError(.full, "\(address) does not take objects that large (413)"))
    case 507: return .over(RemoteError(.full, "\(address) is full (507)"))
    case 400, 422:
      return .object(RemoteError(.strange, "\(address) does not accept the bytes, or does not understand (\(status))"))
    case 416: return .again(RemoteError(.damaged, "\(address) has fewer bytes than it began to send (416)"))
    case 408, 425, 429, 500...599: return .again(RemoteError(.unreachable, "\(address) answers \(status)"))
    case 300...399:
      return .over(
        RemoteError(.strange, "\(address) sends uploads to another address (\(status)): name that one as the remote"))
    default: return .over(RemoteError(.strange, "\(address) answers \(status), which is not understood"))
    }
  }
}
