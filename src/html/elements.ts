import type { Child, Html } from "./html.ts";

type Value = string | number | bigint | boolean;
/** Every attribute may be left out, or be given as nothing. */
type Attributes<T> = { [K in keyof T]?: T[K] | false | null | undefined };
type Classes = string | false | null | undefined | readonly Classes[];

type Base = Attributes<{
  id: string;
  title: string;
  lang: string;
  dir: "ltr" | "rtl" | "auto";
  hidden: true | "until-found";
  inert: true;
  tabindex: number;
  role: string;
  slot: string;
  translate: "yes" | "no";
  accesskey: string;
  autofocus: true;
  contenteditable: "true" | "false" | "plaintext-only";
  draggable: "true" | "false";
  spellcheck: "true" | "false";
  popover: true | "auto" | "manual";
  itemscope: true;
  itemprop: string;
  itemtype: string;
}> & {
  class?: Classes;
  children?: Child;
  key?: string | number;
} & { [name: `data-${string}` | `aria-${string}`]: Value | null | undefined };

type Media = {
  src: string;
  controls: true;
  autoplay: true;
  loop: true;
  muted: true;
  preload: "none" | "metadata" | "auto";
  width: number;
  height: number;
};
type Control = { name: string; disabled: true; form: string; required: true; autocomplete: string };
type Submit = {
  formaction: string;
  formmethod: "get" | "post" | "dialog";
  formnovalidate: true;
  formtarget: string;
};
type Cell = { colspan: number; rowspan: number; headers: string };

/** Elements with attributes of their own. */
type Special = {
  a: {
    href: string;
    target: string;
    rel: string;
    download: string | true;
    hreflang: string;
    type: string;
    referrerpolicy: string;
  };
  area: { href: string; alt: string; coords: string; shape: string };
  audio: Media;
  base: { href: string; target: string };
  blockquote: { cite: string };
  button: Control &
    Submit & { type: "submit" | "button" | "reset"; value: string; popovertarget: string };
  canvas: { width: number; height: number };
  col: { span: number };
  data: { value: string };
  details: { open: true; name: string };
  dialog: { open: true };
  fieldset: { disabled: true; form: string; name: string };
  form: {
    action: string;
    method: "get" | "post" | "dialog";
    enctype: "application/x-www-form-urlencoded" | "multipart/form-data";
    novalidate: true;
    autocomplete: "on" | "off";
    target: string;
    name: string;
    "accept-charset": string;
  };
  html: { xmlns: string };
  iframe: {
    src: string;
    width: number;
    height: number;
    sandbox: string;
    allow: string;
    loading: "lazy" | "eager";
    name: string;
  };
  img: {
    src: string;
    alt: string;
    width: number | string;
    height: number | string;
    srcset: string;
    sizes: string;
    loading: "lazy" | "eager";
    decoding: "async" | "sync" | "auto";
    referrerpolicy: string;
    fetchpriority: "high" | "low" | "auto";
  };
  input: Control &
    Submit & {
      type: string;
      value: string | number;
      placeholder: string;
      checked: true;
      readonly: true;
      min: string | number;
      max: string | number;
      step: string | number;
      minlength: number;
      maxlength: number;
      pattern: string;
      size: number;
      multiple: true;
      accept: string;
      list: string;
      inputmode: string;
      enterkeyhint: string;
      autocapitalize: string;
    };
  label: { for: string };
  li: { value: number };
  link: {
    rel: string;
    href: string;
    type: string;
    media: string;
    sizes: string;
    as: string;
    crossorigin: string;
    integrity: string;
  };
  meta: {
    name: string;
    content: string;
    charset: string;
    property: string;
    media: string;
    "http-equiv": string;
  };
  meter: { value: number; min: number; max: number; low: number; high: number; optimum: number };
  object: { data: string; type: string; width: number; height: number };
  ol: { start: number; reversed: true; type: string };
  optgroup: { label: string; disabled: true };
  option: { value: string | number; selected: true; disabled: true; label: string };
  output: { for: string; name: string };
  progress: { value: number; max: number };
  q: { cite: string };
  script: {
    src: string;
    type: string;
    async: true;
    defer: true;
    nonce: string;
    integrity: string;
    crossorigin: string;
  };
  select: Control & { multiple: true; size: number };
  source: { src: string; srcset: string; type: string; media: string; sizes: string };
  style: { media: string; nonce: string };
  td: Cell;
  textarea: Control & {
    rows: number;
    cols: number;
    placeholder: string;
    readonly: true;
    minlength: number;
    maxlength: number;
    wrap: string;
  };
  th: Cell & { scope: "col" | "row" | "colgroup" | "rowgroup"; abbr: string };
  time: { datetime: string };
  track: { src: string; kind: string; srclang: string; label: string; default: true };
  video: Media & { poster: string; playsinline: true };
};

/** Elements that take the common attributes only. */
type Plain =
  | "abbr"
  | "address"
  | "article"
  | "aside"
  | "b"
  | "bdi"
  | "bdo"
  | "body"
  | "br"
  | "caption"
  | "cite"
  | "code"
  | "colgroup"
  | "datalist"
  | "dd"
  | "del"
  | "dfn"
  | "div"
  | "dl"
  | "dt"
  | "em"
  | "figcaption"
  | "figure"
  | "footer"
  | "h1"
  | "h2"
  | "h3"
  | "h4"
  | "h5"
  | "h6"
  | "head"
  | "header"
  | "hgroup"
  | "hr"
  | "i"
  | "ins"
  | "kbd"
  | "legend"
  | "main"
  | "mark"
  | "menu"
  | "nav"
  | "noscript"
  | "p"
  | "picture"
  | "pre"
  | "rp"
  | "rt"
  | "ruby"
  | "s"
  | "samp"
  | "search"
  | "section"
  | "small"
  | "span"
  | "strong"
  | "sub"
  | "summary"
  | "sup"
  | "table"
  | "tbody"
  | "template"
  | "tfoot"
  | "thead"
  | "title"
  | "tr"
  | "u"
  | "ul"
  | "var"
  | "wbr";

type Svg =
  | "svg"
  | "g"
  | "path"
  | "circle"
  | "ellipse"
  | "line"
  | "polyline"
  | "polygon"
  | "rect"
  | "text"
  | "tspan"
  | "defs"
  | "use"
  | "symbol"
  | "linearGradient"
  | "radialGradient"
  | "stop"
  | "clipPath"
  | "mask"
  | "desc";

type Intrinsic = { [K in keyof Special]: Base & Attributes<Special[K]> } & {
  [K in Plain]: Base;
} & {
  [K in Svg]: Base & { readonly [name: string]: Value | Child | Classes };
} & { [K in `${string}-${string}`]: Base & { readonly [name: string]: Value | Child | Classes } };

/** What the JSX transform checks a `.tsx` file against. */
export declare namespace JSX {
  type Element = Html;
  type IntrinsicElements = Intrinsic;
  type ElementChildrenAttribute = { children: unknown };
  type IntrinsicAttributes = { key?: string | number };
}
