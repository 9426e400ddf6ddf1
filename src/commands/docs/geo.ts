/**
 * Commands of the group "geo" for COMMAND DOCS: see commands/documentation.ts.
 */
import type { DocumentationTable } from "../documentation.ts";

export const geoDocumentation: DocumentationTable = {
  geoadd: {
    arguments:
      "key:key@0 condition:{nx='NX' xx='XX'}?>6.2.0 change='CH'?>6.2.0 longitude_latitude_member:(longitude:double latitude:double member:string)*",
    history: [["6.2.0", "New: `CH`, `NX` and `XX`"]],
  },
  geopos: { arguments: "key:key@0 member:string*" },
  geodist: { arguments: "key:key@0 member1:string member2:string unit:{m='M' km='KM' ft='FT' mi='MI'}?" },
  geohash: { arguments: "key:key@0 member:string*" },
  geosearch: {
    arguments:
      "key:key@0 from:{'FROMMEMBER' member:string 'FROMLONLAT' longitude_latitude:(longitude:double latitude:double)} by:{circle:('BYRADIUS' radius:double unit:{m='M' km='KM' ft='FT' mi='MI'}) box:('BYBOX' width:double height:double unit:{m='M' km='KM' ft='FT' mi='MI'})} order:{asc='ASC' desc='DESC'}? count:('COUNT' count:integer any='ANY'?)? withcoord='WITHCOORD'? withdist='WITHDIST'? withhash='WITHHASH'?",
    history: [["7.0.0", "Units in upper case, too"]],
  },
  geosearchstore: {
    arguments:
      "destination:key@0 source:key@1 from:{'FROMMEMBER' member:string 'FROMLONLAT' longitude_latitude:(longitude:double latitude:double)} by:{circle:('BYRADIUS' radius:double unit:{m='M' km='KM' ft='FT' mi='MI'}) box:('BYBOX' width:double height:double unit:{m='M' km='KM' ft='FT' mi='MI'})} order:{asc='ASC' desc='DESC'}? count:('COUNT' count:integer any='ANY'?)? storedist='STOREDIST'?",
    history: [["7.0.0", "Units in upper case, too"]],
  },
  georadius: {
    arguments:
      "key:key@0 longitude:double latitude:double radius:double unit:{m='M' km='KM' ft='FT' mi='MI'} withcoord='WITHCOORD'? withdist='WITHDIST'? withhash='WITHHASH'? count:('COUNT' count:integer any='ANY'?>6.2.0)? order:{asc='ASC' desc='DESC'}? 'STORE' key:key@1? 'STOREDIST' key:key@2?",
    history: [
      ["6.2.0", "New: `ANY` for `COUNT`"],
      ["7.0.0", "Units in upper case, too"],
    ],
    flags: ["deprecated"],
    deprecatedSince: "6.2.0",
    replacedBy: "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument",
  },
  georadius_ro: {
    arguments:
      "key:key@0 longitude:double latitude:double radius:double unit:{m='M' km='KM' ft='FT' mi='MI'} withcoord='WITHCOORD'? withdist='WITHDIST'? withhash='WITHHASH'? count:('COUNT' count:integer any='ANY'?>6.2.0)? order:{asc='ASC' desc='DESC'}?",
    history: [["6.2.0", "New: `ANY` for `COUNT`"]],
    flags: ["deprecated"],
    deprecatedSince: "6.2.0",
    replacedBy: "`GEOSEARCH` with the `BYRADIUS` argument",
  },
  georadiusbymember: {
    arguments:
      "key:key@0 member:string radius:double unit:{m='M' km='KM' ft='FT' mi='MI'} withcoord='WITHCOORD'? withdist='WITHDIST'? withhash='WITHHASH'? count:('COUNT' count:integer any='ANY'?)? order:{asc='ASC' desc='DESC'}? 'STORE' key:key@1? 'STOREDIST' key:key@2?",
    history: [["7.0.0", "Units in upper case, too"]],
    flags: ["deprecated"],
    deprecatedSince: "6.2.0",
    replacedBy: "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
  },
  georadiusbymember_ro: {
    arguments:
      "key:key@0 member:string radius:double unit:{m='M' km='KM' ft='FT' mi='MI'} withcoord='WITHCOORD'? withdist='WITHDIST'? withhash='WITHHASH'? count:('COUNT' count:integer any='ANY'?)? order:{asc='ASC' desc='DESC'}?",
    flags: ["deprecated"],
    deprecatedSince: "6.2.0",
    replacedBy: "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments",
  },
};
