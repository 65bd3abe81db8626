"""The SMTP peer of the tests: aiosmtpd on the port that is named, else one of the kernel's choice. Says as JSON lines
which port that is and what became of each message; ends when its standard input does, and so with the test."""

import argparse
import asyncio
import json
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

MAX_MESSAGE_BYTES = 16 * 1024 * 1024


class Mailbox:
    def __init__(self, options):
        self.options = options
        self.folder = pathlib.Path(options.folder)
        self.kept = 0
        self.put_off = 0

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if self.options.refuse:
            self.say(session, envelope, "550", to=[address])
            return "550 5.1.1 No such mailbox here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Fine"

    async def handle_DATA(self, server, session, envelope):
        if self.put_off < self.options.later_first:
            self.put_off += 1
            self.say(session, envelope, "451")
            return "451 4.3.0 Later, please"
        self.kept += 1
        file = self.folder / f"{self.kept:06}.eml"
        part = file.with_suffix(".part")
        part.write_bytes(envelope.original_content)
        part.rename(file)
        if self.options.drop_after_data:
            self.say(session, envelope, "dropped", file)
            server.transport.abort()
            return "451 4.3.0 Nobody hears this"
        self.say(session, envelope, "250", file)
        return "250 2.0.0 Taken"

    def say(self, session, envelope, answer, file=None, to=None):
        line = {
            "answer": answer,
            "from": envelope.mail_from,
            "to": to or envelope.rcpt_tos,
            "encrypted": session.ssl is not None,
        }
        if file is not None:
            line["file"] = str(file)
        print(json.dumps(line), flush=True)


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--drop-after-data", action="store_true")
    parser.add_argument("--later-first", type=int, default=0)
    parser.add_argument("--refuse", action="store_true")
    parser.add_argument("--tls")
    parser.add_argument("--user")
    parser.add_argument("--password")
    return parser.parse_args()


async def main():
    options = arguments()
    mailbox = Mailbox(options)
    protocol = {"hostname": "localhost", "data_size_limit": MAX_MESSAGE_BYTES}
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{options.tls}/cert.pem", f"{options.tls}/key.pem")
        protocol |= {"tls_context": context, "require_starttls": True}
    if options.user:
        wanted = (options.user.encode(), options.password.encode())

        def authenticator(server, session, envelope, mechanism, given):
            right = (getattr(given, "login", None), getattr(given, "password", None)) == wanted
            return AuthResult(success=right, handled=right)

        protocol |= {
            "authenticator": authenticator,
            "auth_required": True,
            "auth_require_tls": bool(options.tls),
        }
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(mailbox, **protocol), host="127.0.0.1", port=options.port)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
