import CCurl
import Glibc

// The program that speaks HTTP for `rung`: see TransferTalk in Sources/RungWire. It is one of its own because libcurl
// would keep `rung` from being a static program that starts in three milliseconds (docs/decisions/0020-remotes.md).

signal(SIGPIPE, SIG_IGN)

if CommandLine.arguments.count > 1 || isatty(0) != 0 {
  let version = String(cString: curl_version())
  print("rung-transfer moves objects of remote caches over HTTP; rung starts it. It speaks through \(version).")
  exit(CommandLine.arguments.count > 1 && CommandLine.arguments[1] == "--version" ? 0 : 64)
}
curl_global_init(Int(CURL_GLOBAL_ALL))
let loop = TransferLoop()
exit(loop.run())
