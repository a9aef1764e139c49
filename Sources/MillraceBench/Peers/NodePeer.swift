/// The benchmark's server as one writes it for Node, without a framework: `http` for the server, `fetch` for the upstream, a write for
/// each event, and `cluster` where there is more than one worker.
enum NodePeer {
    static let source = #"""
        import cluster from 'node:cluster';
        import http from 'node:http';
        import { once } from 'node:events';
        import { randomUUID } from 'node:crypto';
        import { setImmediate, setTimeout } from 'node:timers/promises';

        const [port, workers, upstream] = process.argv.slice(2).map(Number);

        function frame(kind, id, sequence, members) {
          const data = { response_id: id, sequence, timestamp: new Date().toISOString(), ...members };
          return `event: ${kind}\nid: ${id}:${sequence}\ndata: ${JSON.stringify(data)}\n\n`;
        }

        function log(request, status, detail) {
          process.stdout.write(`${new Date().toISOString()} ${request.method} ${request.url} ${status} ${detail}\n`);
        }

        async function* bench(prompt, signal) {
          const [count, pace, milliseconds] = prompt.split(' ');
          for (let number = 0; number < Number(count); number++) {
            if (pace === 'alone') await setImmediate(undefined, { signal });
            if (pace === 'every') await setTimeout(Number(milliseconds), undefined, { signal });
            yield `token${number & 127} `;
          }
        }

        // The deltas of one chat completion.
        async function* relay(prompt, signal) {
          const answer = await fetch(`http://127.0.0.1:${upstream}/v1/chat/completions`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ model: 'bench-1', stream: true, messages: [{ role: 'user', content: prompt }] }),
            signal,
          });
          if (!answer.ok) throw new Error(`the upstream answered ${answer.status}`);
          const decoder = new TextDecoder();
          let rest = '';
          for await (const bytes of answer.body) {
            const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
            rest = lines.pop();
            for (const line of lines) {
              if (!line.startsWith('data: ')) continue;
              const data = line.slice(6);
              if (data === '[DONE]') return;
              const content = JSON.parse(data).choices[0]?.delta?.content;
              if (content) yield content;
            }
          }
        }

        const tasks = { bench, relay };

        async function generate(request, response) {
          let text = '';
          for await (const part of request) text += part;
          const { task, parts } = JSON.parse(text);
          const id = `resp_${randomUUID().replaceAll('-', '')}`;
          const abort = new AbortController();
          response.on('close', () => abort.abort());
          let sequence = 1, block = 0;
          response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
          response.write(frame('response_start', id, sequence, { task }));
          for await (const content of tasks[task](parts[0].content, abort.signal)) {
            const members = { content_block_index: 0, block_sequence: ++block, content };
            if (!response.write(frame('content', id, ++sequence, members))) await once(response, 'drain', { signal: abort.signal });
          }
          response.end(frame('response_end', id, ++sequence, { status: 'completed' }));
          log(request, 200, sequence);
        }

        function serve(request, response) {
          if (request.method === 'GET' && request.url === '/healthz') {
            const body = JSON.stringify({ status: 'ok' });
            response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
            response.end(body);
            log(request, 200, body.length);
            return;
          }
          generate(request, response).catch((error) => {
            if (!response.destroyed) process.stderr.write(`${error}\n`);
            response.destroy();
          });
        }

        if (cluster.isPrimary && workers > 1) {
          for (let number = 0; number < workers; number++) cluster.fork();
          process.on('SIGTERM', () => {
            for (const worker of Object.values(cluster.workers)) worker.process.kill('SIGKILL');
            process.exit(0);
          });
        } else {
          http.createServer(serve).listen(port, '127.0.0.1', 4096);
        }

        """#
}
