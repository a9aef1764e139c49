/// The relay as one writes it for Node, without a framework: `http` for the server, `fetch` for the upstream, a write for each token.
enum NodeRelay {
    static let source = #"""
        import http from 'node:http';
        import { once } from 'node:events';
        import { randomUUID } from 'node:crypto';

        const [port, upstream] = process.argv.slice(2);

        function frame(kind, id, sequence, members) {
          const data = { response_id: id, sequence, timestamp: new Date().toISOString(), ...members };
          return `event: ${kind}\nid: ${id}:${sequence}\ndata: ${JSON.stringify(data)}\n\n`;
        }

        // The deltas of one chat completion.
        async function* tokens(prompt, signal) {
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

        async function relay(request, response) {
          let text = '';
          for await (const part of request) text += part;
          const id = `resp_${randomUUID().replaceAll('-', '')}`;
          const abort = new AbortController();
          response.on('close', () => abort.abort());
          let sequence = 1, block = 0;
          response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
          response.write(frame('response_start', id, sequence, { task: 'relay' }));
          for await (const content of tokens(JSON.parse(text).parts[0].content, abort.signal)) {
            const members = { content_block_index: 0, block_sequence: ++block, content };
            if (!response.write(frame('content', id, ++sequence, members))) await once(response, 'drain', { signal: abort.signal });
          }
          response.end(frame('response_end', id, ++sequence, { status: 'completed' }));
          process.stdout.write(`${new Date().toISOString()} ${request.method} ${request.url} 200 ${sequence}\n`);
        }

        http.createServer((request, response) => {
          relay(request, response).catch((error) => {
            if (!response.destroyed) process.stderr.write(`${error}\n`);
            response.destroy();
          });
        }).listen(Number(port), '127.0.0.1', 4096);

        """#
}
