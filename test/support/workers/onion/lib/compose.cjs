"use strict";
exports.compose = (handlers) => async (context) => {
  const call = async (index) => {
    const handler = handlers[index];
    if (!handler) return (context.res = new Response("404 Not Found", { status: 404 }));
    const answer = await handler(context, () => call(index + 1));
    if (answer) context.res = answer;
    return context.res;
  };
  return call(0);
};
