/// The benchmark's server as one writes it with FastAPI and httpx, under uvicorn with its faster loop and parser (`uvicorn[standard]`).
enum FastAPIPeer {
    static let source = #"""
        import asyncio
        import json
        import sys
        import uuid
        from contextlib import asynccontextmanager
        from datetime import datetime, timezone

        import httpx
        import uvicorn
        from fastapi import FastAPI
        from fastapi.responses import StreamingResponse
        from pydantic import BaseModel

        PORT, WORKERS, UPSTREAM = (int(word) for word in sys.argv[1:4])


        class Part(BaseModel):
            content: str


        class GenerateRequest(BaseModel):
            task: str
            parts: list[Part]


        @asynccontextmanager
        async def lifespan(app):
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
            async with httpx.AsyncClient(limits=limits, timeout=None) as client:
                app.state.client = client
                yield


        app = FastAPI(lifespan=lifespan)


        def frame(kind, response_id, sequence, members):
            now = datetime.now(timezone.utc).isoformat()
            data = {"response_id": response_id, "sequence": sequence, "timestamp": now, **members}
            return f"event: {kind}\nid: {response_id}:{sequence}\ndata: {json.dumps(data)}\n\n"


        async def bench(prompt):
            words = prompt.split(" ")
            pause = int(words[2]) / 1000 if words[1] == "every" else 0
            for number in range(int(words[0])):
                if words[1] != "together":
                    await asyncio.sleep(pause)
                yield f"token{number & 127} "


        async def relay(prompt):
            body = {"model": "bench-1", "stream": True, "messages": [{"role": "user", "content": prompt}]}
            url = f"http://127.0.0.1:{UPSTREAM}/v1/chat/completions"
            async with app.state.client.stream("POST", url, json=body) as answer:
                answer.raise_for_status()
                async for line in answer.aiter_lines():
                    if not line.startswith("data: "):
                        continue
                    data = line[6:]
                    if data == "[DONE]":
                        return
                    choices = json.loads(data)["choices"]
                    content = choices and choices[0]["delta"].get("content")
                    if content:
                        yield content


        TASKS = {"bench": bench, "relay": relay}


        async def events(task, prompt):
            response_id = f"resp_{uuid.uuid4().hex}"
            sequence = 1
            block = 0
            yield frame("response_start", response_id, sequence, {"task": task})
            async for content in TASKS[task](prompt):
                sequence += 1
                block += 1
                yield frame("content", response_id, sequence, {"content_block_index": 0, "block_sequence": block, "content": content})
            yield frame("response_end", response_id, sequence + 1, {"status": "completed"})


        @app.post("/api/v1/generate/stream")
        async def generate(request: GenerateRequest):
            headers = {"Cache-Control": "no-cache"}
            stream = events(request.task, request.parts[0].content)
            return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


        @app.get("/healthz")
        async def healthz():
            return {"status": "ok"}


        if __name__ == "__main__":
            workers = None if WORKERS == 1 else WORKERS
            uvicorn.run(
                "peer:app", app_dir=sys.path[0], host="127.0.0.1", port=PORT, loop="uvloop", http="httptools", backlog=4096, workers=workers)

        """#
}
