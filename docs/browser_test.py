"""Open every page of _docs/ in headless Chromium, served on localhost.

Each page must load without a console error, a broken image or a request to another host; each stage page (00_... to 07_...)
must show a plot. Ends with `N passed, N failed, N skipped`; without Chromium the test is skipped by name."""
import functools, http.server, json, re, shutil, signal, subprocess, sys, tempfile, threading, time, urllib.request
from pathlib import Path

SITE = Path(__file__).resolve().parent.parent/'_docs'
FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
         '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', '--window-size=1300,2000',
         '--remote-debugging-port=0', '--remote-allow-origins=*']
LOOK = '''(() => {
  const images = [...document.images];
  images.forEach(i => i.loading = 'eager');
  return {title: document.title, heading: document.querySelector('h1')?.innerText || '',
          broken: images.filter(i => !(i.complete && i.naturalWidth)).map(i => i.src),
          plots: document.querySelectorAll('.cell_output img, .cell-output-display img').length}})()'''
STAGE = re.compile(r'0[0-7]_\w+|(?:data|architecture|training|review|evaluation|quantization|export|integration)')


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args): pass


class Tab:
    "One browser tab, driven over the DevTools protocol"
    def __init__(self, port):
        import websocket
        request = urllib.request.Request(f'http://127.0.0.1:{port}/json/new?about:blank', method='PUT')
        url = json.load(urllib.request.urlopen(request, timeout=30))['webSocketDebuggerUrl']
        self.socket, self.count, self.events = websocket.create_connection(url, timeout=30), 0, []
        for domain in ('Page', 'Network', 'Runtime', 'Log'): self.ask(f'{domain}.enable')
        self.ask('Network.setCacheDisabled', cacheDisabled=True)

    def read(self):
        message = json.loads(self.socket.recv())
        if 'method' in message: self.events.append(message)
        return message

    def ask(self, method, **params):
        self.count += 1
        self.socket.send(json.dumps(dict(id=self.count, method=method, params=params)))
        while (message := self.read()).get('id') != self.count: pass
        if 'error' in message: raise RuntimeError(f'{method}: {message["error"]}')
        return message['result']

    def go(self, url):
        "Open `url`; back when it has loaded"
        self.ask('Page.navigate', url=url)
        deadline = time.time() + 60
        while time.time() < deadline:
            try:
                if self.evaluate('document.readyState == "complete" && location.href') == url: return
            except RuntimeError: pass   # the page changed while it was asked
            time.sleep(0.02)
        raise RuntimeError(f'{url} did not load in 60 s')

    def evaluate(self, code, **more):
        return self.ask('Runtime.evaluate', expression=code, returnByValue=True, **more)['result'].get('value')


def complaints(tab, url, origin):
    "What is wrong with page `url`, and what it shows"
    tab.go('about:blank')
    tab.events.clear()
    tab.go(url)
    tab.evaluate('new Promise(done => setTimeout(done, 150))', awaitPromise=True)   # late scripts and fetches
    seen, bad = tab.evaluate(LOOK), []
    for event in tab.events:
        method, params = event['method'], event['params']
        if method == 'Network.requestWillBeSent':
            asked = params['request']['url']
            if not asked.startswith((origin, 'data:', 'blob:', 'about:')): bad.append(f'asks another host: {asked}')
        if method == 'Network.responseReceived' and params['response']['status'] >= 400:
            bad.append(f'{params["response"]["status"]} for {params["response"]["url"]}')
        if method == 'Log.entryAdded' and params['entry']['level'] == 'error': bad.append(f'console: {params["entry"]["text"]}')
        if method == 'Runtime.exceptionThrown': bad.append(f'exception: {params["exceptionDetails"]["text"]}')
        if method == 'Runtime.consoleAPICalled' and params['type'] == 'error':
            bad.append('console: ' + ' '.join(str(a.get('value')) for a in params['args']))
    bad += [f'broken image: {src}' for src in seen['broken']]
    if not seen['heading']: bad.append('no heading')
    return bad, seen


def main():
    browser = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')
    pages = sorted(SITE.glob('*.html'))
    if not pages: print('docs browser test: no pages in _docs/, run `make docs` first\n0 passed, 1 failed, 0 skipped'); return 1
    if not browser: print('SKIPPED docs browser test: chromium is not installed\n0 passed, 0 failed, 1 skipped'); return 0
    handler = functools.partial(Quiet, directory=str(SITE))
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    origin, failed, plots = f'http://127.0.0.1:{server.server_address[1]}', 0, 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        proc = subprocess.Popen([browser, *FLAGS, f'--user-data-dir={profile}', 'about:blank'],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            port_file, deadline = Path(profile)/'DevToolsActivePort', time.time() + 60
            while not (port_file.exists() and port_file.read_text().strip()):
                if time.time() > deadline or proc.poll() is not None: raise RuntimeError(f'{browser} did not start')
                time.sleep(0.1)
            tab = Tab(int(port_file.read_text().splitlines()[0]))
            for path in pages:
                bad, seen = complaints(tab, f'{origin}/{path.name}', origin)
                plots += seen['plots']
                if STAGE.fullmatch(path.stem) and not seen['plots']: bad.append('a stage page without a plot')
                failed += bool(bad)
                print(f'{path.name:<24} {"FAILED" if bad else "ok":<6} {seen["plots"]} plots', flush=True)
                for line in bad: print(f'    {line}')
        finally:
            proc.terminate()
            proc.wait(20)
    print(f'{len(pages)} pages, {plots} plots\n{len(pages)-failed} passed, {failed} failed, 0 skipped')
    return int(failed > 0)


if __name__ == '__main__':
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
