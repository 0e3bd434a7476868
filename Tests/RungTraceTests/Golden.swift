/// Texts as people see them.
enum Golden {
  static let sweep = """
    figure.svg
      sha256:d4dc56669143034f31aa309635d4113d9ad76a02b1739da22c965ed2049be9e6
      output      'figure' of demo/figure
      made        2023-11-14 22:13:28 UTC on atlas, run 20231114-221320-abcdef
      commit      fedcba987654, with uncommitted changes
      watched     declared: only what the steps declare is known
                  weakest: demo/data, demo/fit
                  trace off: all steps
                  with network: all steps

    Steps: 3, with 8 executions that took 12 s in all

      demo/data  [seed=0]  (data)
        command       python {code} --out {out.out}
        parameters    noise=0.1, samples=200
        inputs        code: demo/data.py 59ed3cc8ef74
        environment   CPython 3.11.2, demo/requirements.lock (ba5285161ba6)
        outputs       set
        took          1.5 s
        commit        0123456789ab

      demo/fit × 6  [width=20…800 (6), seed=0]  (train)
        command       python {code} --width {width} --data {data.set} --metrics
                      {out.metrics}
        inputs        code: demo/fit.py 093789640dde
                      data.set: 'set' of demo/data
        environment   CPython 3.11.2, demo/requirements.lock (ba5285161ba6)
        outputs       metrics
        took          9 s in all, 1.5 s each
        commit        0123456789ab

      demo/figure  (analysis)
        command       python {code} --out {out.out}
        inputs        code: demo/figure.py eb678e086a16
                      fit.metrics: 'metrics' of demo/fit × 6 (table)
        environment   CPython 3.11.2, demo/requirements.lock (ba5285161ba6)
        outputs       figure
        watched       traced
        took          1.5 s

    Sources: 4
      59ed3cc8ef74  demo/data.py
      eb678e086a16  demo/figure.py
      093789640dde  demo/fit.py
      0c030586945f  demo/requirements.lock  (lock file)

    Environments: 1
      ba5285161ba6  CPython 3.11.2 on linux-x86_64-glibc2.36
                    11a4a60b518b  /usr/bin/python3.11
                    0c030586945f  demo/requirements.lock

    """
  static let observed = """
    fit.json
      sha256:6f358d32ea026002d65eb4f4aaa1c871e2b1bff6feb7dca18fad9654098650e5
      output      'out' of demo/fit
      made        2023-11-14 22:13:22 UTC on atlas, run 20231114-221320-abcdef
      commit      0123456789ab
      watched     traced: files of the project that the steps opened are known, but
                  not all of them
                  weakest: demo/fit
                  trace incomplete: demo/fit
                  a process changed its user
                  the recorder was full
                  with network: demo/fit

    Steps: 2, with 2 executions that took 3 s in all

      demo/data
        command       python {code} --out {out.out}
        inputs        code: demo/data.py 59ed3cc8ef74
        observed      demo/hidden.py, tool.sh
        outputs       out
        watched       strict, trace complete
        took          1.5 s

      demo/fit
        command       python {code} --out {out.out}
        inputs        code: demo/fit.py 093789640dde
                      lib: demo/lib.py 7e5dd85e8b34
                      data: 'out' of demo/data
        observed      demo/fit.py, demo/hidden.py
        outputs       out
        took          1.5 s

    Sources: 6, 3 of them observed and not declared
      59ed3cc8ef74  demo/data.py
      093789640dde  demo/fit.py
      6292c8b17c54  demo/fit.py  (observed)
      4ae0f5dde465  demo/hidden.py  (observed)
      7e5dd85e8b34  demo/lib.py
      4c2bae0f0231  tool.sh  (executable, observed)
      and 4 files of the system, in /usr/lib/python3.11 (2), /etc (1), /usr/bin (1)

    """
  static let record = """
    demo/fit[width=20]
      record sha256:RECORD
      key    sha256:KEY
      ended       succeeded
      made        2023-11-14 22:13:22 UTC on atlas, run 20231114-221320-abcdef
      took        1.5 s, 1.4 s of processor time, at most 50 MB of memory
      commit      0123456789ab
      watched     declared, with network
      view        none: it could see all that its user can see
      trace       off
      declared    python {code} --out {out.out}
      ran         sh -eu -c 'echo '\\''it'\\'''
      axes        width=20
      parameters  name=x y
      environment CPython 3.11.2 on linux-x86_64-glibc2.36, ba5285161ba6
                  /usr/bin/python3.11 11a4a60b518b
                  demo/requirements.lock 0c030586945f
      log         nothing was printed
      rung        0.1.0

    Inputs
      093789640dde  code  demo/fit.py  (file)
      80c24f323e6a  data.out  inputs/data.out  (file)
                    'out' of demo/data, record DATARECORD

    Outputs
      44136fa355b3  metrics  metrics.json  (file, 2 B)

    What the key covers
      command               python {code} --out {out.out}

    """
}
