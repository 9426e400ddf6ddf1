/**
 * Commands of the group "connection" for COMMAND DOCS: see commands/documentation.ts.
 */
import type { DocumentationTable } from "../documentation.ts";

export const connectionDocumentation: DocumentationTable = {
  auth: {
    arguments: "username:string?>6.0.0 password:string",
    history: [["6.0.0", "New: ACL style (username and password)"]],
  },
  "client|no-evict": { arguments: "enabled:{on='ON' off='OFF'}" },
  "client|no-touch": { arguments: "enabled:{on='ON' off='OFF'}" },
  "client|reply": { arguments: "on_off_skip:{on='ON' off='OFF' skip='SKIP'}" },
  "client|kill": {
    arguments:
      "filter:{ip:port:string<2.8.12 new-format:{'ID' client-id:integer?>2.8.12 'TYPE' normal_master_slave_pubsub:{normal='NORMAL' master='MASTER'>3.2.0 slave='SLAVE' replica='REPLICA'>5.0.0 pubsub='PUBSUB'}?>2.8.12 'USER' username:string? 'ADDR' ip:port:string? 'LADDR' ip:port:string?>6.2.0 'SKIPME' yes/no:string?}*}",
    history: [
      ["2.8.12", "New: filters"],
      ["2.8.12", "New: filter `ID`"],
      ["3.2.0", "New: type `master`"],
      ["5.0.0", "Type `replica`; `slave` means the same"],
      ["6.2.0", "New: filter `LADDR`"],
    ],
  },
  "client|list": {
    arguments:
      "'TYPE' normal_master_replica_pubsub:{normal='NORMAL' master='MASTER' replica='REPLICA' pubsub='PUBSUB'}?>5.0.0 'ID' id:(client-id:integer*)?>6.2.0",
    history: [
      ["2.8.12", "New: unique client `id`"],
      ["5.0.0", "New: `TYPE` filter"],
      ["6.0.0", "New: `user`"],
      ["6.2.0", "New: `argv-mem`, `tot-mem`, `laddr` and `redir` and theal `ID` filter"],
      ["7.0.0", "New: `resp`, `multi-mem`, `rbs` and `rbp`"],
      ["7.0.3", "New: `ssub`"],
      ["7.2.0", "New: `lib-name` and `lib-ver`"],
    ],
  },
  "client|setname": { arguments: "connection-name:string" },
  "client|setinfo": { arguments: "attr:{'LIB-NAME' libname:string 'LIB-VER' libver:string}" },
  "client|pause": {
    arguments: "timeout:integer mode:{write='WRITE' all='ALL'}?>6.2.0",
    history: [["6.2.0", "New: argument `mode`, and with it `WRITE`"]],
  },
  "client|caching": { arguments: "mode:{yes='YES' no='NO'}" },
  "client|tracking": {
    arguments:
      "status:{on='ON' off='OFF'} 'REDIRECT' client-id:integer? 'PREFIX' prefix:string?*+ bcast='BCAST'? optin='OPTIN'? optout='OPTOUT'? noloop='NOLOOP'?",
  },
  "client|unblock": { arguments: "client-id:integer timeout_error:{timeout='TIMEOUT' error='ERROR'}?" },
  echo: { arguments: "message:string" },
  hello: {
    arguments:
      "arguments:(protover:integer 'AUTH' username_password:(username:string password:string)? 'SETNAME' clientname:string?)?",
    history: [["6.2.0", "Without `protover` it only tells about the connection"]],
  },
  ping: { arguments: "message:string?" },
  select: { arguments: "index:integer" },
};
